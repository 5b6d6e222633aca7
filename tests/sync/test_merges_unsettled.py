"""A record is merged in the CRM into one that a create of ours has made, while we do not know of that yet."""

import pytest

from tests.support.decisions import HERE, assert_in_step, live_here, merge, only
from tests.support.users import conflicts, patch_later, read


@pytest.fixture
def unsettled(client, crm, worker, another):
    """Create a user in the CRM, and lose the answer."""
    crm.fault("cut_after", count=1, method="POST")
    crm.fault("status", status=500, count=None, method="GET")
    made = client.post("/users", json=another()).json
    crm.heal()
    assert made["sync_status"] == "pending"
    return made


@pytest.mark.parametrize("hear", ["pull", "webhook", "push"])
def test_each_record_stays_itself(client, crm, user, unsettled, worker, webhook, engine, hear):
    winner = next(one["crm_id"] for one in crm.all() if one["crm_id"] != user["crm_id"])
    merge(crm, winner, user["crm_id"])
    if hear == "pull":
        worker.pull()
    elif hear == "webhook":
        webhook(user["crm_id"], event="deleted", version=2, merged_into=winner)
    worker.drain()
    worker.pull()

    assert read(client, unsettled)["crm_id"] == winner
    assert read(client, unsettled)["name"] == unsettled["name"]
    assert only(live_here(engine).values()).id == unsettled["id"]
    assert conflicts(client) == []
    assert_in_step(engine, crm)


def test_an_edit_of_the_merged_one_is_not_sent_again_and_again(client, crm, user, unsettled, worker):
    winner = next(one["crm_id"] for one in crm.all() if one["crm_id"] != user["crm_id"])
    merge(crm, winner, user["crm_id"])
    crm.fault("status", status=500, count=None, method="GET")
    patch_later(client, user, phone=HERE)
    worker.push(rounds=10)

    assert len(crm.calls("PATCH")) == 1
    assert read(client, user)["sync_status"] == "pending"
