"""What a rollback leaves: whatever has moved since, and what the CRM does not give back; all of it is listed."""

import pytest

from app.core.db import transact
from app.services.rollbacks import roll_back
from app.store import runs
from app.sync import runs as engine_runs
from app.sync.runs import Asked
from tests.support.decisions import assert_in_step, merge
from tests.support.plans import came_true, foretold
from tests.support.runs import do, new_there, new_users
from tests.support.settings import ANN
from tests.support.users import patch, patch_later, read

HERE, THERE = "222-222-2222", "987-654-3210"


@pytest.fixture
def take_back(engine):
    def take_back(run):
        foreseen = roll_back(engine, run["id"], "test", dry_run=True)
        done = roll_back(engine, run["id"], "test", dry_run=False)
        assert [one["record_id"] for one in foreseen["left"]] == [one["record_id"] for one in left_of(done)]
        assert foretold(foreseen) == came_true(engine, done)
        return done

    return take_back


def left_of(run):
    return run["parts"]["users"]["left"]


def why_left(run):
    [left] = left_of(run)
    return left["why"]


# ── moved since ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_edited_here_since_is_left(client, crm, engine, user, take_back):
    crm.edit(user["crm_id"], phone=THERE)
    run = do(engine, "pull")
    patch(client, user, name="Ann Since")

    done = take_back(run)

    assert left_of(done) == [
        {"record_id": user["id"], "why": "It has changed since: it is at version 3, not 2."},
    ]
    assert (done["skipped"], done["synced"]) == (1, 0)
    assert (read(client, user)["phone"], read(client, user)["name"]) == (THERE, "Ann Since")


def test_what_was_edited_there_and_pulled_since_is_left(client, crm, engine, user, take_back):
    crm.edit(user["crm_id"], phone=THERE)
    run = do(engine, "pull")
    crm.edit(user["crm_id"], phone="111-111-1111")
    do(engine, "pull")

    assert "version 3, not 2" in why_left(take_back(run))
    assert crm.get(user["crm_id"])["phone"] == "111-111-1111"


def test_what_was_left_is_not_pushed_either(client, crm, engine, user, take_back):
    crm.edit(user["crm_id"], phone=THERE)
    run = do(engine, "pull")
    patch_later(client, user, name="Ann Since")

    done = take_back(run)

    assert (done["pushed"], crm.get(user["crm_id"])["name"]) == (0, ANN["name"])
    assert read(client, user)["sync_status"] == "pending"


def test_the_others_are_taken_back_all_the_same(client, crm, engine, another, take_back):
    users = [client.post("/users", json=another()).json for _ in range(5)]
    for one in users:
        crm.edit(one["crm_id"], phone=THERE)
    run = do(engine, "pull")
    patch(client, users[2], name="Since")

    done = take_back(run)

    assert [one["record_id"] for one in left_of(done)] == [users[2]["id"]]
    assert [read(client, one)["phone"] for one in users] == ["123-456-7890"] * 2 + [THERE] + ["123-456-7890"] * 2
    assert (done["skipped"], done["pulled"], done["pushed"]) == (1, 4, 4)


def test_the_same_run_is_not_taken_back_twice(client, crm, engine, user, take_back):
    crm.edit(user["crm_id"], phone=THERE)
    [fresh] = new_users(client, 1)
    [there] = new_there(crm, 1)
    run = do(engine, "both")
    take_back(run)
    sent = len(crm.calls("POST")) + len(crm.calls("PATCH")) + len(crm.calls("DELETE"))

    again = take_back(run)

    assert (again["synced"], again["skipped"]) == (0, 3)
    assert any("linked with no record of the CRM" in one["why"] for one in left_of(again))
    assert len(crm.calls("POST")) + len(crm.calls("PATCH")) + len(crm.calls("DELETE")) == sent
    assert (read(client, fresh)["crm_id"], crm.get(there["crm_id"]) is not None) == (None, True)


def test_a_record_whose_link_moved_since_is_left(client, crm, engine, user, worker, take_back):
    patch_later(client, user, phone=HERE)
    run = do(engine, "push")
    other = crm.create(name="Ann", email="other@example.com")
    merge(crm, other["crm_id"], user["crm_id"])
    do(engine, "pull")
    worker.drain()

    done = take_back(run)

    assert len(left_of(done)) == 1
    assert read(client, user)["crm_id"] == other["crm_id"]


# ── a value that is taken ────────────────────────────────────────────────────────────────────────────────────────


def test_a_value_that_another_record_has_by_now_is_left(client, crm, engine, user, take_back):
    crm.edit(user["crm_id"], email="ann.new@example.com", phone=THERE)
    run = do(engine, "pull")
    client.post("/users", json={**ANN, "name": "The new Ann"})

    done = take_back(run)

    assert "has this email" in why_left(done)
    assert (read(client, user)["email"], read(client, user)["phone"]) == ("ann.new@example.com", THERE)
    assert_in_step(engine, crm)


def test_a_tombstone_whose_email_is_taken_by_now_is_left(client, crm, engine, user, take_back):
    crm.delete(user["crm_id"])
    run = do(engine, "pull")
    client.post("/users", json=ANN)

    assert "has this email" in why_left(take_back(run))
    assert client.get(f"/users/{user['id']}").status_code == 404


def test_a_tombstone_that_would_come_back_with_an_email_that_is_taken_stays_whole(client, crm, engine, user):
    run_id = engine_runs.begin(engine, Asked("pull", ("users",), "test"))
    crm.edit(user["crm_id"], email="ann.new@example.com")
    engine_runs.carry_out(engine, run_id)
    as_if_it_were_cut_off(engine, run_id)
    crm.delete(user["crm_id"])
    engine_runs.carry_out(engine, run_id)
    client.post("/users", json=ANN)

    assert "has this email" in why_left(roll_back(engine, run_id, "test", dry_run=False))
    assert client.get(f"/users/{user['id']}").status_code == 404


def as_if_it_were_cut_off(engine, run_id):
    transact(lambda tx: runs.move_status(tx, run_id, "succeeded", "running"))
    transact(lambda tx: runs.finish_part(tx, run_id, "users", "running", None, engine.world.now()))


def test_values_that_went_around_go_back_around(client, crm, engine, another, take_back):
    first, second = (client.post("/users", json=another()).json for _ in range(2))
    crm.edit(second["crm_id"], email="third@example.com")
    crm.edit(first["crm_id"], email=second["email"])
    run = do(engine, "pull")
    assert read(client, first)["email"] == second["email"]

    done = take_back(run)

    assert left_of(done) == []
    assert (read(client, first)["email"], read(client, second)["email"]) == (first["email"], second["email"])
    assert_in_step(engine, crm)
