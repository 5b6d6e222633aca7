"""A record that CRM staff merged into another one: the refusal says where it went."""

import pytest

from app.crm import NotThere
from tests.support.settings import ANN
from tests.support.settings import CRM_PATH as PATH
from tests.support.settings import CRM_URL as URL


@pytest.mark.parametrize("status", [404, 410])
@pytest.mark.parametrize(("said", "read"), [("CRM2", "CRM2"), (2, "2"), (None, None), ("", None), ([], None)])
def test_the_refusal_names_the_record_it_lives_on_in(once, line, status, said, read):
    for method in (line.get, line.patch):
        method(f"{URL}{PATH}/CRM1", status=status, json={"error": "not_found", "merged_into": said})

    with pytest.raises(NotThere) as got:
        once.get(PATH, "CRM1")
    with pytest.raises(NotThere) as patched:
        once.update(PATH, "CRM1", {}, version=1, key="k")

    assert got.value.merged_into == patched.value.merged_into == read


def test_a_record_that_was_only_deleted_names_none(once, line):
    line.get(f"{URL}{PATH}/CRM1", status=404)
    with pytest.raises(NotThere) as caught:
        once.get(PATH, "CRM1")

    assert caught.value.merged_into is None


def test_a_merge_in_the_crm_is_seen_in_every_answer(client, crm):
    winner, loser = (crm.create(**ANN)["crm_id"] for _ in range(2))
    headers = {"X-API-Key": "demo-api-key"}
    assert crm.http.post(f"{PATH}/{winner}/merge", json={"crm_id": loser}, headers=headers).status_code == 200

    listed = {item.crm_id: item for item in client.list_changed(PATH, None, 10).items}
    assert (listed[loser].deleted, listed[loser].merged_into) == (True, winner)
    assert (listed[winner].deleted, listed[winner].merged_into) == (False, None)
    with pytest.raises(NotThere) as caught:
        client.get(PATH, loser)
    assert caught.value.merged_into == winner
    client.delete(PATH, loser, version=None)
