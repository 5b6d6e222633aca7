"""A record deleted on one side is deleted on the other; deleted stays deleted."""

import pytest

from tests.support.decisions import HERE, OPEN, THERE, assert_in_step, copy_of, only, owed, stored
from tests.support.fates import delete_later
from tests.support.users import LATER, changes_of, conflicts, journal_of, patch, patch_later


def is_gone(client, user):
    return client.get(f"/users/{user['id']}").status_code == 404


def test_a_delete_here_reaches_the_crm(client, crm, user, worker, engine):
    delete_later(client, user)
    worker.drain()

    assert crm.get(user["crm_id"]) is None
    assert copy_of(engine, user["id"]).deleted
    assert_in_step(engine, crm)


def test_a_delete_that_the_crm_has_heard_owes_nothing(client, crm, user, worker, engine):
    delete_later(client, user)
    worker.push(rounds=1)

    assert (owed(engine), stored(engine, user["id"]).status) == (0, "synced")


def test_a_record_that_the_crm_never_heard_of_is_deleted_without_a_call(client, crm, worker, another, engine):
    user = client.post("/users", json=another(), headers=LATER).json
    delete_later(client, user)
    worker.drain()

    assert (crm.calls(), owed(engine)) == ([], 0)


@pytest.mark.parametrize("hear", ["pull", "webhook", "push"])
def test_a_delete_there_comes_here(client, crm, user, worker, webhook, engine, hear):
    crm.delete(user["crm_id"])
    if hear == "pull":
        worker.pull()
    elif hear == "webhook":
        webhook(user["crm_id"], event="deleted", version=2)
    else:
        patch(client, user, phone=HERE)

    assert is_gone(client, user)
    newest = changes_of(client, user)[0]
    assert (newest["field"], newest["from"], newest["to"]) == ("deleted", False, True)
    assert_in_step(engine, crm)


def test_edits_that_the_crm_never_heard_are_kept_as_conflicts(client, crm, user, worker):
    patch_later(client, user, phone=HERE, name="Ann Here")
    crm.delete(user["crm_id"])
    worker.pull()

    found = conflicts(client)
    assert {(one["kind"], one["field"], one["local"]) for one in found} == {
        ("deleted", "phone", HERE),
        ("deleted", "name", "Ann Here"),
    }
    assert {(one["status"], one["resolution"], one["policy"]) for one in found} == {("resolved", "crm", "crm_wins")}


def test_a_field_that_waited_for_a_person_waits_no_longer(client, crm, user, worker, engine):
    object.__setattr__(engine.policies, "default", "manual")
    patch_later(client, user, phone=HERE)
    crm.edit(user["crm_id"], phone=THERE)
    worker.drain()
    crm.delete(user["crm_id"])
    worker.pull()

    assert (conflicts(client, OPEN), only(conflicts(client))["resolution"]) == ([], "settled")


def test_deleted_on_both_sides_is_agreed(client, crm, user, worker, engine):
    delete_later(client, user)
    crm.delete(user["crm_id"])
    worker.pull()

    assert (owed(engine), conflicts(client), journal_of(client, user)) == (0, [], [])
    assert crm.calls("DELETE") == []


def test_an_edit_there_of_a_record_deleted_here_does_not_keep_it(client, crm, user, worker, webhook, engine):
    delete_later(client, user)
    crm.edit(user["crm_id"], phone=THERE)
    worker.drain()

    assert is_gone(client, user)
    assert_in_step(engine, crm)


@pytest.mark.parametrize("late", [{"version": 1}, {"version": 3}, {}])
def test_a_late_update_does_not_bring_it_back(client, crm, user, worker, webhook, engine, late):
    crm.delete(user["crm_id"])
    webhook(user["crm_id"], event="deleted", version=2)
    webhook(user["crm_id"], {"phone": THERE}, external_id=user["id"], **late)
    worker.drain()
    worker.pull()

    assert is_gone(client, user)
    assert_in_step(engine, crm)


def test_a_delete_that_is_told_twice_is_written_once(client, crm, user, worker, webhook):
    crm.delete(user["crm_id"])
    for _ in range(2):
        webhook(user["crm_id"], event="deleted", version=2)
        worker.pull()

    assert [one["field"] for one in journal_of(client, user)] == ["deleted"]


def test_the_email_of_a_deleted_record_is_free_again(client, crm, user, worker, engine):
    crm.delete(user["crm_id"])
    crm.create(name="Ann Again", email=user["email"])
    worker.pull()
    worker.pull()

    assert_in_step(engine, crm)
    assert conflicts(client, OPEN) == []


def test_a_delete_that_was_done_but_not_answered_is_done_once(client, crm, user, worker, engine):
    crm.fault("cut_after", count=3, method="DELETE")
    delete_later(client, user)
    worker.drain()

    assert_in_step(engine, crm)
    assert stored(engine, user["id"]).status == "synced"


def test_a_delete_that_the_crm_refuses_says_why_and_a_retry_is_a_new_chance(client, crm, user, worker, engine):
    crm.fault("status", status=403, body={"error": "forbidden", "message": "No."}, count=None, method="DELETE")
    delete_later(client, user)
    worker.drain()

    found = stored(engine, user["id"])
    assert (found.status, "No." in found.error, crm.get(user["crm_id"]) is None) == ("failed", True, False)
