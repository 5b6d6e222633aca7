"""Explain says in plain words why a record is as it is, who set each field, what is owed, and what to do."""

import pytest

from app.sync import task
from tests.support.decisions import configure, decide, open_conflict
from tests.support.explained import told_of
from tests.support.runs import do, new_users
from tests.support.users import LATER, patch, patch_later

HERE, THERE = "222-222-2222", "987-654-3210"


@pytest.fixture
def told(engine):
    return lambda user: told_of(engine, user)


def test_a_record_in_step(user, told):
    found = told(user)

    assert found["text"] == [f"This user is in step with {user['crm_id']}."]
    assert (found["sync_status"], found["owed"], found["advice"], found["decisions"]) == ("synced", None, None, [])


def test_a_fresh_edit_is_pushed_as_soon_as_a_worker_is_free(client, user, told):
    patch_later(client, user, phone=HERE)
    found = told(user)

    assert found["summary"] == "This user has changes that the CRM has yet to hear of."
    assert "The CRM has yet to hear of: phone." in found["text"][1]
    assert found["text"][-1] == "It is pushed as soon as a worker is free."
    assert (found["owed"]["fields"], found["owed"]["tries"], found["owed"]["under_way"]) == (["phone"], 0, False)


def test_a_new_record_owes_all_its_fields(client, told):
    [user] = new_users(client, 1, phone=HERE)

    assert told(user)["owed"]["fields"] == ["email", "name", "phone"]


def test_a_push_that_is_under_way(client, engine, user, told):
    patch_later(client, user, phone=HERE)
    assert task.due(engine, 1)
    found = told(user)

    assert found["text"][-1] == "It is being pushed at this moment."
    assert found["owed"]["under_way"] is True


@pytest.mark.parametrize(("times", "said"), [(1, "tried once"), (3, "tried 3 times")])
def test_what_was_tried_says_how_often_why_and_when_again(client, crm, engine, user, worker, clock, told, times, said):
    crm.fault("status", status=503, count=None, method="PATCH")
    patch_later(client, user, phone=HERE)
    for _ in range(times):
        clock.pass_(minutes=15)
        worker.push(rounds=1)
    found = told(user)

    assert any(said in one and "the CRM could not be reached" in one for one in found["text"])
    assert found["text"][-1] == f"It is tried again at {found['owed']['next_try']}."
    assert (found["owed"]["tries"], found["owed"]["reason"]) == (times, "unavailable")
    assert found["advice"].startswith("Nothing, it is tried again by itself")


def test_what_has_no_known_outcome(client, crm, engine, user, told):
    crm.fault("cut_before", count=None, method="PATCH")
    patch_later(client, user, phone=HERE)
    do(engine, "push")

    assert any("the CRM's answer was lost" in one for one in told(user)["text"])


def test_an_edit_taken_back_whose_first_push_was_lost(client, crm, engine, user, told):
    crm.fault("cut_before", count=None, method="PATCH")
    patch_later(client, user, phone=HERE)
    do(engine, "push")
    patch_later(client, user, phone=user["phone"])

    assert any("is being found out" in one for one in told(user)["text"])


def test_what_failed_says_why_and_what_to_do(client, crm, user, told):
    crm.fault("status", status=422, count=1, method="PATCH", body='{"error": "bad", "message": "Too short."}')
    patch(client, user, phone=HERE)
    found = told(user)

    assert found["summary"] == f"This user could not be synced with {user['crm_id']}: bad: Too short."
    assert found["advice"] == (
        f"Mend what the CRM complains of by an edit, or try again: POST /users/{user['id']}/sync."
    )


def test_what_waits_for_a_person(client, crm, engine, user, told):
    configure(engine, "manual")
    crm.edit(user["crm_id"], phone=THERE)
    patch(client, user, phone=HERE)
    found = told(user)

    conflict = open_conflict(client)
    assert found["summary"] == "This user waits for a person: phone in conflict."
    assert "phone: both sides had changed it; found" in found["text"][-1]
    assert conflict["id"] in found["advice"]
    assert (found["fields"]["phone"]["held"], found["fields"]["phone"]["owed"]) == (True, False)
    assert (found["fields"]["phone"]["value"], found["fields"]["phone"]["crm"]) == (HERE, THERE)


@pytest.mark.parametrize("use", ["crm", "local"])
def test_what_a_person_decided(client, crm, engine, user, told, use):
    configure(engine, "manual")
    crm.edit(user["crm_id"], phone=THERE)
    patch(client, user, phone=HERE)
    decide(engine, open_conflict(client), use)
    found = told(user)

    assert f"as {use} by api." in found["text"][-1]
    assert [(one["local"], one["crm"]) for one in found["decisions"]] == [(HERE, THERE)]


def test_what_the_policy_decided(client, crm, user, told):
    crm.edit(user["crm_id"], phone=THERE)
    patch(client, user, phone=HERE)

    assert "as crm by policy crm_wins." in told(user)["text"][-1]


def test_a_deletion_that_waits_for_a_person(client, crm, engine, another, told):
    users = [client.post("/users", json=another()).json for _ in range(11)]
    for one in users:
        crm.delete(one["crm_id"])
    do(engine, "pull")
    found = told(users[0])

    assert found["summary"] == "This user waits for a person: deleted in conflict."
    assert found["advice"].startswith("Decide: ")


def test_a_record_that_lives_here_only(client, crm, engine, user, told):
    object.__setattr__(engine, "sync_deleted", False)
    crm.delete(user["crm_id"])
    do(engine, "pull")
    found = told(user)

    assert found["summary"] == "This user lives here only. Deleted in the CRM and kept here, because SYNC_DELETED is 0."
    assert found["advice"] == f"To create it in the CRM: POST /users/{user['id']}/sync."


@pytest.mark.parametrize("side", ["here", "there"])
def test_a_deleted_record(client, crm, engine, user, told, side):
    if side == "here":
        client.delete(f"/users/{user['id']}")
    else:
        crm.delete(user["crm_id"])
        do(engine, "pull")
    found = told(user)

    by = "the application" if side == "here" else "the CRM, by a pull"
    assert found["summary"].startswith("This user was deleted 20")
    assert found["summary"].endswith(f" by {by}.")
    assert found["advice"] == f"To have it back: POST /users/{user['id']}/restore."
    assert found["owed"] is None


def test_a_deletion_that_the_crm_has_yet_to_hear_of(client, user, told):
    client.delete(f"/users/{user['id']}", headers=LATER)
    found = told(user)

    assert "The CRM has yet to hear that it was deleted." in found["text"][1]
    assert found["owed"]["fields"] == []


def test_a_message_that_waits(client, user, webhook, clock, told):
    webhook(user["crm_id"], {"phone": THERE})
    clock.pass_(seconds=-1)
    webhook(user["crm_id"], {"phone": HERE}, timestamp="2099-01-01T00:00:00Z")

    assert "1 message of the CRM about it waits to be looked up." in told(user)["text"]
