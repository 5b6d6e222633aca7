"""A tombstone brought back when things are not plain: calls under way, a CRM that is down, or one that revives."""

from dataclasses import replace

import pytest

from app.core.errors import NotFound
from app.core.record import Stamp
from tests.support.decisions import (
    HERE,
    THERE,
    assert_in_step,
    live_here,
    merge,
    only,
    stored,
)
from tests.support.fates import delete_later, deleted_on_both_sides, deleted_there
from tests.support.users import LATER, patch_later, read


def test_it_is_brought_back_while_its_delete_is_under_way(client, crm, user, worker, engine, restore):
    delete_later(client, user)
    crm.line.after = lambda request: restore(user) if request.method == "DELETE" else None
    worker.push(rounds=1)
    crm.line.after = lambda _request: None
    worker.drain()

    assert read(client, user)["sync_status"] == "synced"
    assert_in_step(engine, crm)


@pytest.mark.parametrize("before", [None, "cut_after", "cut_before"])
def test_it_is_brought_back_while_its_delete_is_refused(client, crm, user, worker, engine, restore, before):
    delete_later(client, user)
    if before is not None:
        crm.fault(before, count=1, method="DELETE")
    crm.fault("status", status=422, body={"error": "no"}, count=1, method="DELETE")
    once = iter([True])
    crm.line.before = lambda request: restore(user) if request.method == "DELETE" and next(once, False) else None
    worker.push(rounds=1)
    crm.line.before = lambda _request: None
    worker.drain()

    assert read(client, user)["sync_status"] == "synced"
    assert_in_step(engine, crm)


def test_the_crm_is_down_when_it_is_brought_back(client, crm, user, worker, engine, restore):
    deleted_on_both_sides(client, crm, user, worker, None)
    crm.fault("cut_after", count=3, method="POST")
    restore(user)
    worker.push()
    crm.heal()
    worker.drain()

    assert len(crm.all()) == 1
    assert_in_step(engine, crm)


def test_a_question_that_was_refused_is_asked_again(client, crm, user, worker, engine, restore):
    deleted_there(client, crm, user, worker, None)
    crm.fault("status", status=403, count=1, method="GET")
    restore(user)
    worker.push(rounds=1)
    asked = read(client, user)
    worker.drain()

    assert (asked["sync_status"], asked["sync_error"]) == ("pending", "injected_fault: Asked for.")
    assert read(client, user)["sync_status"] == "synced"
    assert only(crm.all())["crm_id"] != user["crm_id"]
    assert_in_step(engine, crm)


def test_old_news_that_say_only_when_they_are_of_are_old(client, crm, user, worker, webhook, engine, restore):
    delete_later(client, user)
    worker.drain()
    restore(user)
    webhook(user["crm_id"], {"name": "Old"}, timestamp="2020-01-01T00:00:00Z")

    assert read(client, user)["name"] == user["name"]
    worker.drain()
    assert read(client, user)["name"] == user["name"]
    assert_in_step(engine, crm)


def test_staff_changed_it_before_our_delete_came_and_their_change_is_taken(client, crm, user, worker, engine, restore):
    delete_later(client, user)
    crm.edit(user["crm_id"], phone=THERE)
    restore(user)
    worker.drain()

    assert (read(client, user)["phone"], read(client, user)["crm_id"]) == (THERE, user["crm_id"])
    assert_in_step(engine, crm)


def test_edits_that_were_lost_with_it_come_back(client, crm, user, worker, engine, restore):
    patch_later(client, user, phone=HERE)
    deleted_there(client, crm, user, worker, None)
    restore(user)
    worker.drain()

    assert only(crm.all())["phone"] == HERE
    assert_in_step(engine, crm)


def test_a_record_that_the_crm_never_heard_of(client, crm, worker, engine, restore, another):
    user = client.post("/users", json=another(), headers=LATER).json
    delete_later(client, user)
    restore(user)
    worker.drain()

    assert read(client, user)["sync_status"] == "synced"
    assert_in_step(engine, crm)


def test_a_record_whose_create_was_not_answered(client, crm, worker, engine, restore, another):
    crm.fault("cut_after", count=3, method="POST")
    user = client.post("/users", json=another()).json
    delete_later(client, user)
    restore(user)
    worker.drain()

    assert len(crm.all()) == 1
    assert_in_step(engine, crm)


def test_one_of_two_that_were_merged_is_a_record_of_its_own_again(client, crm, user, worker, engine, restore, another):
    other = client.post("/users", json=another(phone=None)).json
    merge(crm, other["crm_id"], user["crm_id"])
    worker.pull()
    worker.drain()
    restore(user)
    worker.drain()

    assert {one.crm_id for one in live_here(engine).values()} == {one["crm_id"] for one in crm.all()}
    assert len(crm.all()) == 2
    assert_in_step(engine, crm)


def test_one_that_was_merged_into_a_record_that_is_gone_is_created_anew(
    client, crm, user, worker, webhook, engine, restore, another
):
    other = client.post("/users", json=another(phone=None)).json
    merge(crm, other["crm_id"], user["crm_id"])
    worker.pull()
    delete_later(client, other)
    worker.drain()
    restore(other)
    worker.drain()
    restore(user)
    worker.push(rounds=1)
    webhook(other["crm_id"], event="deleted", version=3)
    worker.drain()

    assert len(crm.all()) == 2
    assert_in_step(engine, crm)


def test_one_that_the_crm_revives_with_its_old_id(client, crm, user, worker, engine, restore, monkeypatch):
    """A CRM that answers a create with the record of that external_id, undeleted."""
    deleted_on_both_sides(client, crm, user, worker, None)
    made, create = [], engine.crm.create

    def revive(path, fields, **more):
        made.append(create(path, fields, **more))
        crm.delete(made[-1].crm_id)
        alive[user["crm_id"]] = replace(made[-1], crm_id=user["crm_id"], stamp=Stamp(3))
        return alive[user["crm_id"]]

    alive = {}
    monkeypatch.setattr(engine.crm, "create", revive)
    restore(user)
    worker.drain(rounds=3)

    assert (len(made), read(client, user)["crm_id"], read(client, user)["sync_status"]) == (1, user["crm_id"], "synced")


def test_what_nobody_knows_cannot_be_restored(restore):
    with pytest.raises(NotFound):
        restore({"id": "00000000-0000-7000-8000-000000000000"})


class TestKeptDeletions:
    @pytest.fixture
    def settings(self):
        return {"SYNC_DELETED": False}

    def test_a_record_that_was_deleted_on_both_sides_is_created_anew(self, client, crm, user, worker, engine, restore):
        deleted_on_both_sides(client, crm, user, worker, None)
        restore(user)
        worker.drain()

        assert stored(engine, user["id"]).status == "synced"
        assert_in_step(engine, crm)
