"""Explain: who set each field and when, what the CRM holds, and states that nobody should ever see."""

import pytest

from app.core.errors import NotFound
from app.services.explaining import explain
from app.services.rollbacks import roll_back
from tests.support.drift import by_hand, lose_copy, lose_entry
from tests.support.explained import told_of
from tests.support.runs import do, new_there
from tests.support.settings import ANN
from tests.support.users import patch, patch_later, read

HERE, THERE = "222-222-2222", "987-654-3210"


@pytest.fixture
def told(engine):
    return lambda user: told_of(engine, user)


# ── the fields ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_each_field_says_who_set_it_and_when(client, crm, engine, user, webhook, clock, told):
    patch(client, user, name="Ann Here")
    crm.edit(user["crm_id"], phone=THERE)
    webhook(user["crm_id"], {"phone": THERE}, version=3)
    crm.edit(user["crm_id"], email="ann.new@example.com")
    run = do(engine, "pull")
    fields = told(user)["fields"]

    assert {name: one["set_by"] for name, one in fields.items()} == {
        "name": "api",
        "phone": "webhook",
        "email": "pull",
    }
    assert (fields["email"]["run_id"], fields["name"]["run_id"]) == (run["id"], None)
    assert all(one["set_at"].endswith("Z") and one["synced"] for one in fields.values())
    assert fields["name"]["set_at"] <= fields["email"]["set_at"]


def test_a_field_that_is_owed_shows_both_values(client, user, told):
    patch_later(client, user, phone=HERE)
    phone, name = told(user)["fields"]["phone"], told(user)["fields"]["name"]

    assert (phone["value"], phone["crm"], phone["owed"], phone["held"]) == (HERE, ANN["phone"], True, False)
    assert (name["value"], name["crm"], name["owed"]) == (ANN["name"], ANN["name"], False)


def test_what_the_crm_was_told_is_listed(client, user, told):
    patch(client, user, phone=HERE)
    found = told(user)

    assert [one["action"] for one in found["told"]] == ["update", "create"]
    assert found["told"][0]["changes"] == {"phone": [ANN["phone"], HERE]}


def test_a_field_that_a_rollback_set(client, crm, engine, user, told):
    crm.edit(user["crm_id"], phone=THERE)
    done = roll_back(engine, do(engine, "pull")["id"], "test", dry_run=False)

    assert told(user)["fields"]["phone"]["set_by"] == "rollback"
    assert told(user)["fields"]["phone"]["run_id"] == done["id"]


def test_a_record_that_came_from_the_crm(client, crm, engine, told):
    new_there(crm, 1)
    do(engine, "pull")
    [user] = client.get("/users").json["data"]

    assert {name: one["set_by"] for name, one in told(user)["fields"].items()} == {
        "name": "pull",
        "email": "pull",
        "phone": None,  # nobody ever has
    }


# ── odd states ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_record_that_is_not_known(engine):
    with pytest.raises(NotFound):
        explain(engine, engine.registry["users"], "nothing")


STATES = ["pending", "synced", "failed", "conflict"]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("lost", ["nothing", "copy", "entry", "link", "all"])
def test_no_state_is_too_odd(client, crm, user, told, state, lost):
    patch_later(client, user, phone=HERE)
    if lost in {"copy", "all"}:
        lose_copy(user)
    if lost in {"entry", "all"}:
        lose_entry(user)
    if lost in {"link", "all"}:
        by_hand("UPDATE users SET crm_id = NULL")
        by_hand("DELETE FROM journal")
    by_hand("UPDATE users SET sync_status = :state, sync_error = NULL", state=state)

    assert told(user)["text"]
    by_hand("UPDATE users SET deleted_at = created_at")
    assert told(user)["summary"].startswith("This user was deleted")


def test_drift_is_not_called_in_step(client, user, told):
    by_hand("UPDATE users SET phone = :phone", phone=HERE)
    found = told(user)

    assert found["summary"] == f"This user counts as in step with {user['crm_id']}, and is not: phone."
    assert "sync verify --repair" in found["advice"]
    assert read(client, user)["sync_status"] == "synced"
