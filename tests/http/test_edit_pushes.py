"""What the CRM hears of edits, and that its echo flips nothing back."""

import pytest

from tests.support.users import LATER, fields_of


def test_quick_edits_become_one_push_of_what_is_owed(client, crm, worker, user, url):
    for number in range(5):
        client.patch(url, json={"name": f"Ann {number}"}, headers=LATER)
    client.patch(url, json={"phone": None}, headers=LATER)
    worker.drain()

    assert len(crm.calls("PATCH")) == 1
    assert fields_of(crm.get(user["crm_id"])) == {"name": "Ann 4", "email": user["email"], "phone": None}
    assert client.get(url).json["sync_status"] == "synced"


def test_an_edit_and_back_again_owes_nothing(client, crm, worker, user, url):
    client.patch(url, json={"name": "Other"}, headers=LATER)

    answer = client.patch(url, json={"name": user["name"]}, headers=LATER)

    assert answer.json["sync_status"] == "synced"
    worker.drain()
    assert not crm.calls("PATCH")


@pytest.mark.parametrize("versions", [True, False], ids=["versions", "timestamps"])
def test_the_late_echo_of_an_older_push_flips_nothing_back(client, crm, worker, user, url, webhook, versions):
    echoes = []
    for name in ("One", "Two", "Three"):
        client.patch(url, json={"name": name})
        there = crm.get(user["crm_id"])
        stamp = {"version": there["version"]} if versions else {}
        echoes.append({"timestamp": there["updated_at"], **stamp, "fields": {"name": name}})
    after, calls = client.get(url).json, len(crm.calls())

    outcomes = [webhook(user["crm_id"], **echo).json["outcome"] for echo in reversed(echoes)]
    worker.drain()

    assert outcomes == ["unchanged", "stale", "stale"]
    assert client.get(url).json == after
    assert crm.get(user["crm_id"])["name"] == "Three"
    assert len(crm.calls()) == calls


def test_an_echo_that_arrives_before_the_next_push_flips_nothing_back(client, crm, worker, user, url, webhook):
    client.patch(url, json={"name": "One"})
    there = crm.get(user["crm_id"])
    client.patch(url, json={"name": "Two"}, headers=LATER)

    webhook(user["crm_id"], {"name": "One"}, version=there["version"], timestamp=there["updated_at"])
    worker.drain()

    assert client.get(url).json["name"] == crm.get(user["crm_id"])["name"] == "Two"
    assert client.get("/sync/conflicts").json["data"] == []
