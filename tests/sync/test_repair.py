"""Drift made behind the engine's back is found, called by its name, and healed by a repair."""

import pytest

from tests.support.decisions import assert_in_step, configure, copy_of, stored
from tests.support.drift import (
    by_hand,
    edit_silently,
    look,
    lose_copy,
    lose_entry,
    purge,
    reasons,
    spoil_copy,
)
from tests.support.runs import do, new_users
from tests.support.settings import ANN
from tests.support.users import LATER, conflicts, patch, patch_later, read

THERE, HERE = "987-654-3210", "222-222-2222"


def a_value_changed_here(client, crm, user):
    by_hand("UPDATE users SET phone = :phone", phone=HERE)


def a_value_changed_there_without_a_version(client, crm, user):
    edit_silently(crm, user["crm_id"], phone=THERE)


def a_record_restored_there_from_a_backup(client, crm, user):
    patch(client, user, phone=HERE)
    edit_silently(crm, user["crm_id"], phone=ANN["phone"], version=1)


def a_backup_there_with_the_same_values(client, crm, user):
    patch(client, user, phone=HERE)
    edit_silently(crm, user["crm_id"], version=1)


def an_edit_whose_entry_is_lost(client, crm, user):
    patch_later(client, user, phone=HERE)
    lose_entry(user)


def a_copy_that_is_lost(client, crm, user):
    lose_copy(user)


def a_copy_that_is_lost_with_an_edit(client, crm, user):
    patch_later(client, user, phone=HERE)
    lose_entry(user)
    lose_copy(user)


def a_copy_that_is_wrong(client, crm, user):
    spoil_copy(user, phone=THERE)


def a_copy_of_another_record(client, crm, user):
    by_hand("UPDATE crm_copies SET crm_id = 'CRM4711'")


def a_copy_that_says_deleted(client, crm, user):
    by_hand("UPDATE crm_copies SET deleted = 1")


def a_link_that_is_lost(client, crm, user):
    by_hand("UPDATE users SET crm_id = NULL")


def a_link_that_is_lost_with_its_copy(client, crm, user):
    by_hand("UPDATE users SET crm_id = NULL")
    lose_copy(user)


def a_deletion_whose_entry_is_lost(client, crm, user):
    client.delete(f"/users/{user['id']}", headers=LATER)
    lose_entry(user)


def a_record_purged_there(client, crm, user):
    purge(crm, user["crm_id"])


def a_record_purged_there_with_an_edit_here(client, crm, user):
    patch_later(client, user, phone=HERE)
    purge(crm, user["crm_id"])


def a_new_record_whose_entry_is_lost(client, crm, user):
    [fresh] = new_users(client, 1)
    lose_entry(fresh)


DRIFT = [
    a_value_changed_here,
    a_value_changed_there_without_a_version,
    a_record_restored_there_from_a_backup,
    a_backup_there_with_the_same_values,
    an_edit_whose_entry_is_lost,
    a_copy_that_is_lost,
    a_copy_that_is_lost_with_an_edit,
    a_copy_that_is_wrong,
    a_copy_of_another_record,
    a_copy_that_says_deleted,
    a_link_that_is_lost,
    a_deletion_whose_entry_is_lost,
    a_record_purged_there,
    a_record_purged_there_with_an_edit_here,
    a_new_record_whose_entry_is_lost,
]
EVERY_DRIFT = pytest.mark.parametrize("drift", DRIFT, ids=lambda one: one.__name__)


@EVERY_DRIFT
def test_drift_is_found_and_healed(client, crm, engine, worker, user, drift):
    do(engine, "both")
    drift(client, crm, user)
    found = look(engine)
    assert (found["unexplained"], [one["reason"] for one in found["differences"]]) == (1, ["unknown"])
    assert "1 differ for no reason that we know" in found["sentence"]

    healed = look(engine, repair=True)
    worker.drain()

    assert (healed["repaired"]["status"], healed["repaired"]["direction"]) == ("succeeded", "repair")
    assert healed["unexplained"] == 0
    assert reasons(engine) == []
    assert_in_step(engine, crm)
    do(engine, "both")
    assert_in_step(engine, crm)
    assert len(crm.calls("POST")) <= 2, "nothing was created twice"


@EVERY_DRIFT
def test_a_second_repair_changes_nothing(client, crm, engine, user, drift):
    do(engine, "both")
    drift(client, crm, user)
    look(engine, repair=True)
    sent = len(crm.line.sent)

    again = look(engine, repair=True)["repaired"]

    assert (again["pulled"], again["pushed"], again["synced"]) == (0, 0, 0)
    assert {one.method for one in crm.line.sent[sent:]} == {"GET"}


def test_a_link_that_is_lost_with_its_copy_comes_back_by_the_next_pull(client, crm, engine, worker, user):
    a_link_that_is_lost_with_its_copy(client, crm, user)
    assert {one["reason"] for one in look(engine)["differences"]} == {"unknown", "not_pulled"}

    look(engine, repair=True)
    worker.drain()

    assert reasons(engine) == []
    assert (len(crm.all()), read(client, user)["crm_id"]) == (1, user["crm_id"])


@pytest.mark.parametrize(("policy", "phone"), [("crm_wins", THERE), ("local_wins", HERE)])
def test_both_sides_changed_behind_the_engines_back_are_merged_by_policy(
    client, crm, engine, worker, user, policy, phone
):
    configure(engine, policy)
    by_hand("UPDATE users SET phone = :phone", phone=HERE)
    edit_silently(crm, user["crm_id"], phone=THERE)
    look(engine, repair=True)
    worker.drain()

    assert read(client, user)["phone"] == crm.get(user["crm_id"])["phone"] == phone
    assert [(one["local"], one["crm"]) for one in conflicts(client)] == [(HERE, THERE)]


def test_many_records_purged_there_wait_for_a_person(client, crm, engine, another):
    users = [client.post("/users", json=another()).json for _ in range(12)]
    for one in users[:11]:
        purge(crm, one["crm_id"])

    repaired = look(engine, repair=True)["repaired"]

    assert (repaired["status"], repaired["deleted"]) == ("needs_approval", 0)
    assert {reason for reason, _ in reasons(engine)} == {"needs_approval"}


def test_an_edit_after_a_backup_was_restored_there_reaches_it_after_the_repair(client, crm, engine, worker, user):
    a_record_restored_there_from_a_backup(client, crm, user)
    look(engine, repair=True)
    patch(client, user, phone="333-333-3333")
    worker.drain()

    assert crm.get(user["crm_id"])["phone"] == "333-333-3333"
    assert_in_step(engine, crm)


def test_what_the_repair_heard_is_counted(client, crm, engine, user):
    edit_silently(crm, user["crm_id"], phone=THERE)

    repaired = look(engine, repair=True)["repaired"]

    assert (repaired["seen"], repaired["pulled"], repaired["updated"]) == (1, 1, 1)


def test_a_repair_that_is_slow_is_not_taken_for_dead(crm, engine, clock, monkeypatch):
    monkeypatch.setattr("app.sync.feed.PAGE", 1)
    for number in range(8):
        crm.create(name="Person", email=f"person{number}@example.com")
    do(engine, "pull")
    crm.line.before = lambda _request: clock.pass_(seconds=50)
    repaired = look(engine, repair=True)["repaired"]

    assert (repaired["status"], repaired["seconds"] > 300, repaired["resumed"]) == ("succeeded", True, 0)


def test_a_crm_that_fails_during_a_repair_is_a_failed_run(crm, engine, user):
    edit_silently(crm, user["crm_id"], phone=THERE)
    crm.fault("status", status=500, after=1, count=3, method="GET")

    found = look(engine, repair=True)

    assert (found["repaired"]["status"], found["repaired"]["errors"]) == ("failed", {"OutcomeUnknown": 1})
    assert found["unexplained"] == 1
    assert stored(engine, user["id"]).fields["phone"] == ANN["phone"]
    assert copy_of(engine, user["id"]).version == 1
