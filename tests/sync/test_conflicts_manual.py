"""The policy `manual`: the field waits for a person, everything else goes on."""

import pytest

from tests.support.decisions import HERE, LATER, OPEN, RESOLVED, THERE, assert_in_step, only, open_conflict, owed
from tests.support.users import conflicts, patch, patch_later, read


@pytest.fixture
def settings():
    return {"CONFLICT_POLICY": "manual"}


@pytest.fixture
def waiting(client, crm, user, worker):
    """A user whose phone waits: HERE here, THERE there."""
    patch_later(client, user, phone=HERE)
    crm.edit(user["crm_id"], phone=THERE)
    worker.drain()
    assert read(client, user)["sync_status"] == "conflict"
    return user


def test_the_field_is_not_pushed_whatever_else_is(client, crm, waiting, worker):
    patch(client, waiting, name="Ann Here")
    worker.drain()
    worker.pull()
    worker.drain()

    there = crm.get(waiting["crm_id"])
    assert (there["name"], there["phone"]) == ("Ann Here", THERE)
    assert (read(client, waiting)["phone"], read(client, waiting)["sync_status"]) == (HERE, "conflict")


@pytest.mark.parametrize("hear", ["pull", "webhook"])
def test_other_fields_come_in(client, crm, waiting, worker, webhook, hear):
    crm.edit(waiting["crm_id"], name="Ann There")
    if hear == "pull":
        worker.pull()
    else:
        webhook(waiting["crm_id"], {"name": "Ann There"}, version=3)

    found = read(client, waiting)
    assert (found["name"], found["phone"], found["sync_status"]) == ("Ann There", HERE, "conflict")
    assert open_conflict(client)["crm"] == THERE


def test_an_edit_of_another_field_that_the_crm_takes_leaves_the_conflict_open(client, crm, waiting):
    assert patch(client, waiting, name="Ann Here").json["sync_status"] == "conflict"
    assert open_conflict(client)["field"] == "phone"


def test_nothing_is_owed_and_nobody_asks_again(client, crm, waiting, worker, engine):
    before = len(crm.calls())
    worker.drain()

    assert (owed(engine), len(crm.calls())) == (0, before)


def test_an_edit_here_to_what_the_crm_has_settles_it(client, crm, waiting, worker, engine):
    answer = patch(client, waiting, phone=THERE)
    worker.drain()

    assert answer.json["sync_status"] == read(client, waiting)["sync_status"] == "synced"
    assert only(conflicts(client, RESOLVED))["resolution"] == "agreed"
    assert_in_step(engine, crm)


@pytest.mark.parametrize("hear", ["pull", "webhook"])
def test_the_crm_changing_to_what_we_have_settles_it(client, crm, waiting, worker, webhook, engine, hear):
    crm.edit(waiting["crm_id"], phone=HERE)
    if hear == "pull":
        worker.pull()
    else:
        webhook(waiting["crm_id"], {"phone": HERE}, version=3)

    assert read(client, waiting)["sync_status"] == "synced"
    assert only(conflicts(client))["resolution"] == "agreed"
    assert_in_step(engine, crm)


def test_a_settled_field_is_synced_again_both_ways(client, crm, waiting, worker, engine):
    patch(client, waiting, phone=THERE)
    patch(client, waiting, phone=LATER)
    assert crm.get(waiting["crm_id"])["phone"] == LATER
    crm.edit(waiting["crm_id"], phone=HERE)
    worker.pull()

    assert_in_step(engine, crm)


def test_a_further_change_there_takes_the_place_of_the_open_conflict(client, crm, waiting, worker):
    for phone in (LATER, "444-444-4444"):
        crm.edit(waiting["crm_id"], phone=phone)
        worker.pull()

    assert (open_conflict(client)["crm"], open_conflict(client)["local"]) == ("444-444-4444", HERE)
    assert [(one["crm"], one["resolution"]) for one in conflicts(client, RESOLVED)] == [
        (LATER, "superseded"),
        (THERE, "superseded"),
    ]
    assert read(client, waiting)["phone"] == HERE


def test_an_edit_here_refreshes_what_the_conflict_shows(client, crm, waiting, worker):
    identity = open_conflict(client)["id"]
    patch(client, waiting, phone=LATER)
    worker.drain()

    assert (open_conflict(client)["id"], open_conflict(client)["local"]) == (identity, LATER)
    assert crm.get(waiting["crm_id"])["phone"] == THERE


def test_the_crm_going_back_to_its_first_value_is_a_further_change(client, crm, user, waiting, worker):
    crm.edit(waiting["crm_id"], phone=user["phone"])
    worker.pull()
    worker.drain()

    assert (open_conflict(client)["crm"], read(client, waiting)["phone"]) == (user["phone"], HERE)


def test_two_fields_wait_by_themselves(client, crm, user, worker, engine):
    patch_later(client, user, phone=HERE, name="Ann Here")
    crm.edit(user["crm_id"], phone=THERE, name="Ann There")
    worker.drain()
    assert {one["field"] for one in conflicts(client, OPEN)} == {"phone", "name"}

    patch(client, user, phone=THERE)
    assert (read(client, user)["sync_status"], open_conflict(client)["field"]) == ("conflict", "name")
    patch(client, user, name="Ann There")
    assert read(client, user)["sync_status"] == "synced"
    assert_in_step(engine, crm)


def test_a_record_that_is_deleted_while_it_waits_is_deleted_there_too(client, crm, waiting, worker, engine):
    client.delete(f"/users/{waiting['id']}")
    worker.drain()

    assert crm.get(waiting["crm_id"]) is None
    assert conflicts(client, OPEN) == []
    assert_in_step(engine, crm)
