"""A rollback and a CRM that is down, refuses, loses answers, has moved on or has forms of its own."""

import pytest

from app.services.rollbacks import roll_back
from tests.support.decisions import assert_in_step, configure
from tests.support.drift import look
from tests.support.runs import do, done_there, new_users
from tests.support.settings import ANN
from tests.support.users import LATER, conflicts, fields_of, patch_later, read

HERE, THERE = "222-222-2222", "987-654-3210"


def left_of(run):
    return run["parts"]["users"]["left"]


def why_left(run):
    [left] = left_of(run)
    return left["why"]


def test_with_the_crm_down_it_is_done_here_and_arrives_there_later(client, crm, engine, user, worker, another, clock):
    gone = client.post("/users", json=another()).json
    crm.edit(user["crm_id"], phone=THERE)
    client.delete(f"/users/{gone['id']}", headers=LATER)
    run = do(engine, "both")
    crm.fault("status", status=503, count=None)
    done = roll_back(engine, run["id"], "test", dry_run=False)

    assert (done["status"], done["pulled"], done["pushed"], done["errors"]) == ("succeeded", 2, 0, {"unavailable": 2})
    assert (read(client, user)["phone"], read(client, user)["sync_status"]) == (ANN["phone"], "pending")
    crm.heal()
    clock.pass_(minutes=1)
    worker.drain()
    assert crm.get(user["crm_id"])["phone"] == ANN["phone"]
    assert fields_of(read(client, gone)) == fields_of(gone)
    assert_in_step(engine, crm)


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 422}])
def test_a_record_that_the_crm_does_not_delete_stays_linked_and_can_be_taken_back_later(client, crm, engine, fault):
    [user] = new_users(client, 1)
    run = do(engine, "push")
    crm.fault("status", count=None, method="DELETE", **fault)
    done = roll_back(engine, run["id"], "test", dry_run=False)

    [there] = crm.all()
    assert f"{there['crm_id']} stays in the CRM" in why_left(done)
    assert (done["deleted"], done["pushed"], done["synced"], done["skipped"]) == (0, 0, 0, 1)
    assert read(client, user)["crm_id"] == there["crm_id"]
    assert_in_step(engine, crm)
    crm.heal()
    engine.world.sleep(60)

    assert left_of(roll_back(engine, run["id"], "test", dry_run=False)) == []
    assert (crm.all(), read(client, user)["crm_id"]) == ([], None)


def test_a_record_that_moved_there_since_it_was_created_stays_linked(client, crm, engine, worker):
    [user] = new_users(client, 1)
    run = do(engine, "push")
    [there] = crm.all()
    crm.edit(there["crm_id"], phone=THERE)

    done = roll_back(engine, run["id"], "test", dry_run=False)

    assert "stays in the CRM" in why_left(done)
    do(engine, "both")
    worker.drain()
    assert read(client, user)["phone"] == THERE
    assert_in_step(engine, crm)


def test_a_deletion_there_whose_answer_is_lost_is_not_taken_for_one_here(client, crm, engine, worker):
    [user] = new_users(client, 1)
    run = do(engine, "push")
    crm.fault("cut_after", count=None, method="DELETE")
    done = roll_back(engine, run["id"], "test", dry_run=False)
    crm.heal()
    engine.world.sleep(60)
    do(engine, "both")
    worker.drain()

    assert left_of(done) == [] or "may still be" in why_left(done)
    assert fields_of(read(client, user)) == fields_of(user)
    assert crm.all() == []


@pytest.mark.parametrize(("policy", "phone"), [("crm_wins", THERE), ("local_wins", ANN["phone"])])
def test_what_moved_there_and_is_not_pulled_yet_is_merged_by_policy_and_listed(
    client, crm, engine, user, policy, phone
):
    configure(engine, policy)
    patch_later(client, user, phone=HERE)
    run = do(engine, "push")
    crm.edit(user["crm_id"], phone=THERE)
    roll_back(engine, run["id"], "test", dry_run=False)

    assert read(client, user)["phone"] == crm.get(user["crm_id"])["phone"] == phone
    assert [(one["local"], one["crm"]) for one in conflicts(client)] == [(ANN["phone"], THERE)]


def test_another_field_that_moved_there_survives(client, crm, engine, user):
    patch_later(client, user, phone=HERE)
    run = do(engine, "push")
    crm.edit(user["crm_id"], name="Ann There")
    roll_back(engine, run["id"], "test", dry_run=False)

    assert fields_of(read(client, user)) == fields_of(crm.get(user["crm_id"])) == {**ANN, "name": "Ann There"}
    assert conflicts(client) == []


def test_a_crm_with_forms_of_its_own_gets_back_what_it_had(client, crm, engine, user):
    crm.fault("normalise")
    patch_later(client, user, name="  Ann Other ")
    run = do(engine, "push")
    assert read(client, user)["name"] == "Ann Other"
    roll_back(engine, run["id"], "test", dry_run=False)

    assert read(client, user)["name"] == crm.get(user["crm_id"])["name"] == ANN["name"]
    assert look(engine)["in_step"] == 1


def test_a_record_that_the_crm_wrote_in_its_own_form_is_here_as_it_was(client, crm, engine):
    crm.fault("normalise")
    [user] = new_users(client, 1, name="  Ann ")
    run = do(engine, "push")
    assert read(client, user)["name"] == "Ann"
    roll_back(engine, run["id"], "test", dry_run=False)

    assert (crm.all(), read(client, user)["name"], read(client, user)["crm_id"]) == ([], "  Ann ", None)


def test_what_the_crm_makes_of_a_create_was_not_there_before(client, crm, engine, another):
    configure(engine, "local_wins")
    crm.fault("normalise", count=None)
    client.post("/users", json=another(name="  Ann  "), headers=LATER)

    [told] = done_there(do(engine, "push")["id"])

    assert told.action == "create"
    assert {old for old, _ in told.changes.values()} == {None}
    assert told.changes["name"] == (None, "Ann")
