"""A plan says what a run would write on each side; the run that follows writes just that."""

import pytest

from app.core.db import reading
from app.http import health
from app.http.wiring import engine as the_engine
from app.services import records
from app.store import conflicts
from app.sync import feed
from tests.support.decisions import configure, merge
from tests.support.plans import came_true, foretell, foretold
from tests.support.runs import do, new_there, new_users, tables
from tests.support.settings import ANN
from tests.support.users import LATER, patch_later

POLICIES = ["crm_wins", "local_wins", "latest", "manual"]


def edits_here(client, crm, user, clock):
    patch_later(client, user, phone="222-222-2222", name="Ann Here")


def edits_there(client, crm, user, clock):
    crm.edit(user["crm_id"], phone="987-654-3210", name="Ann There")


def edits_to_different_fields(client, crm, user, clock):
    crm.edit(user["crm_id"], phone="987-654-3210")
    patch_later(client, user, name="Ann Here")


def edits_to_one_field(client, crm, user, clock):
    crm.edit(user["crm_id"], phone="987-654-3210", name="Ann There")
    clock.pass_(seconds=30)
    patch_later(client, user, phone="222-222-2222")


def the_same_edit_on_both_sides(client, crm, user, clock):
    crm.edit(user["crm_id"], phone="222-222-2222")
    patch_later(client, user, phone="222-222-2222")


def an_edit_that_was_taken_back(client, crm, user, clock):
    patch_later(client, user, phone="222-222-2222")
    patch_later(client, user, phone=user["phone"])


def creates_on_both_sides(client, crm, user, clock):
    new_users(client, 3)
    new_there(crm, 3)


def one_person_created_on_both_sides(client, crm, user, clock):
    crm.create(name="Bob There", email="BOB@example.com", phone="987-654-3210")
    client.post("/users", json={"name": "Bob Here", "email": "bob@example.com"}, headers=LATER)


def deletes_on_both_sides(client, crm, user, clock):
    here, there = new_users(client, 1)[0], new_there(crm, 1)[0]
    client.delete(f"/users/{here['id']}", headers=LATER)
    client.delete(f"/users/{user['id']}", headers=LATER)
    crm.delete(there["crm_id"])


def deleted_there_and_edited_here(client, crm, user, clock):
    crm.delete(user["crm_id"])
    patch_later(client, user, phone="222-222-2222")


def deleted_here_and_edited_there(client, crm, user, clock):
    client.delete(f"/users/{user['id']}", headers=LATER)
    crm.edit(user["crm_id"], phone="987-654-3210")


def a_duplicate(client, crm, user, clock):
    crm.create(name="Another Ann", email=ANN["email"])


def an_email_that_moves_to_another_record(client, crm, user, clock):
    crm.edit(user["crm_id"], email="ann.new@example.com")
    crm.create(name="The new Ann", email=ANN["email"])


def a_restored_record_that_the_crm_has_deleted(client, crm, user, clock):
    client.delete(f"/users/{user['id']}")
    restore(user)
    patch_later(client, user, phone="222-222-2222")


def a_restored_record_that_was_deleted_there(client, crm, user, clock):
    crm.delete(user["crm_id"])
    do(the_engine(), "pull")
    restore(user)


def a_restored_record_that_the_crm_still_has(client, crm, user, clock):
    client.delete(f"/users/{user['id']}", headers=LATER)
    restore(user)


def merged_into_one_that_was_deleted_then(client, crm, user, clock):
    (winner,) = new_there(crm, 1)
    merge(crm, winner["crm_id"], user["crm_id"])
    crm.delete(winner["crm_id"])


def merged_into_one_that_is_listed_before(client, crm, user, clock):
    (winner,) = new_there(crm, 1)
    loser = client.post("/users", json={"name": "Bob", "email": "bob@example.com"}).json
    merge(crm, winner["crm_id"], loser["crm_id"])


def restore(user):
    records.restore(the_engine(), the_engine().registry["users"], user["id"])


SITUATIONS = [
    a_restored_record_that_the_crm_has_deleted,
    a_restored_record_that_was_deleted_there,
    a_restored_record_that_the_crm_still_has,
    edits_here,
    edits_there,
    edits_to_different_fields,
    edits_to_one_field,
    the_same_edit_on_both_sides,
    an_edit_that_was_taken_back,
    creates_on_both_sides,
    one_person_created_on_both_sides,
    deletes_on_both_sides,
    deleted_there_and_edited_here,
    deleted_here_and_edited_there,
    a_duplicate,
    an_email_that_moves_to_another_record,
    merged_into_one_that_was_deleted_then,
    merged_into_one_that_is_listed_before,
]
EVERY_SITUATION = pytest.mark.parametrize("situation", SITUATIONS, ids=lambda one: one.__name__)


def open_conflicts():
    with reading() as connection:
        return conflicts.count_open(connection, "users")


@EVERY_SITUATION
@pytest.mark.parametrize("policy", POLICIES)
def test_a_run_does_what_was_planned(client, crm, engine, user, clock, situation, policy):
    configure(engine, policy)
    situation(client, crm, user, clock)
    planned = foretell(engine)

    run = do(engine, "both")

    assert foretold(planned) == came_true(engine, run)
    assert planned["waits"]["conflicts"] == open_conflicts()
    assert planned["would_change"] == bool(planned["writes"])
    again = foretell(engine)
    assert (again["writes"], again["waits"]["conflicts"]) == ([], open_conflicts())


@EVERY_SITUATION
@pytest.mark.parametrize("direction", ["pull", "push"])
def test_one_direction_is_planned_as_it_is_done(client, crm, engine, user, clock, situation, direction):
    situation(client, crm, user, clock)
    if direction == "push":
        do(engine, "pull")  # a push alone cannot know what the CRM has by now
    planned = foretell(engine, direction)

    run = do(engine, direction)

    assert foretold(planned) == came_true(engine, run)


@EVERY_SITUATION
@pytest.mark.parametrize("page", [1, 2])
def test_pages_are_planned_one_after_the_other(client, crm, engine, user, clock, monkeypatch, situation, page):
    monkeypatch.setattr(feed, "PAGE", page)
    situation(client, crm, user, clock)
    planned = foretell(engine)

    run = do(engine, "both")

    assert foretold(planned) == came_true(engine, run)


@EVERY_SITUATION
def test_a_plan_writes_nothing_anywhere(app, client, crm, engine, user, clock, situation):
    configure(engine, "manual")
    situation(client, crm, user, clock)
    before, counted, sent = tables(), counters(app), len(crm.line.sent)

    foretell(engine)
    foretell(engine, "pull")
    foretell(engine, "push")

    assert tables() == before
    assert counters(app) == counted
    assert {one.method for one in crm.line.sent[sent:]} <= {"GET"}


def counters(app):
    """Return what the metrics have counted, but for the calls themselves."""
    lines = app.extensions[health.METRICS].exposition().decode().splitlines()
    return [one for one in lines if "_total" in one and "crm_calls" not in one]
