"""A rollback is a run, and can be rolled back: then everything is as it was after the first run."""

import pytest

from app.services.rollbacks import roll_back
from tests.support.decisions import assert_in_step
from tests.support.drift import look
from tests.support.plans import came_true, foretold
from tests.support.runs import do, new_there, new_users
from tests.support.users import LATER, fields_of, patch_later, read

HERE, THERE = "222-222-2222", "987-654-3210"


@pytest.fixture
def back(engine, worker):
    """Roll back, as the dry run foretold, and let everybody have their turn."""

    def back(run):
        foreseen = roll_back(engine, run["id"], "test", dry_run=True)
        done = roll_back(engine, run["id"], "test", dry_run=False)
        assert foretold(foreseen) == came_true(engine, done)
        assert (done["status"], done["parts"]["users"]["left"]) == ("succeeded", [])
        worker.drain()
        do(engine, "both")
        return done

    return back


def test_an_update(client, crm, engine, user, back):
    crm.edit(user["crm_id"], phone=THERE)
    back(back(do(engine, "pull")))

    assert read(client, user)["phone"] == crm.get(user["crm_id"])["phone"] == THERE
    assert_in_step(engine, crm)


def test_a_push(client, crm, engine, user, back):
    patch_later(client, user, phone=HERE)
    back(back(do(engine, "push")))

    assert read(client, user)["phone"] == crm.get(user["crm_id"])["phone"] == HERE
    assert_in_step(engine, crm)


def test_a_record_that_came_from_the_crm(client, crm, engine, back):
    [there] = new_there(crm, 1)
    back(back(do(engine, "pull")))

    assert [one["crm_id"] for one in client.get("/users").json["data"]] == [there["crm_id"]]
    assert_in_step(engine, crm)


def test_a_record_that_came_from_the_crm_and_was_edited_there_since(client, crm, engine, back):
    [there] = new_there(crm, 1)
    first = back(do(engine, "pull"))
    crm.edit(there["crm_id"], name="Edited there")
    do(engine, "both")
    assert client.get("/users").json["data"] == []
    back(first)

    assert [one["name"] for one in client.get("/users").json["data"]] == ["Edited there"]
    assert_in_step(engine, crm)


def test_a_record_that_was_sent_to_the_crm(client, crm, engine, back):
    [user] = new_users(client, 1)
    back(back(do(engine, "push")))

    assert fields_of(read(client, user)) == fields_of(user)
    assert len(crm.all()) == 1
    assert_in_step(engine, crm)


@pytest.mark.parametrize("side", ["here", "there"])
def test_a_deletion(client, crm, engine, user, back, side):
    if side == "here":
        client.delete(f"/users/{user['id']}", headers=LATER)
    else:
        crm.delete(user["crm_id"])
    back(back(do(engine, "both")))

    assert (client.get(f"/users/{user['id']}").status_code, crm.all()) == (404, [])
    assert look(engine)["differences"] == []


def test_everything_at_once_and_three_times_over(client, crm, engine, user, another, back):
    moved, gone_here, gone_there = (client.post("/users", json=another()).json for _ in range(3))
    do(engine, "pull")
    new_users(client, 2)
    new_there(crm, 2)
    patch_later(client, moved, phone=HERE)
    crm.edit(user["crm_id"], name="Ann There")
    client.delete(f"/users/{gone_here['id']}", headers=LATER)
    crm.delete(gone_there["crm_id"])
    run = do(engine, "both")
    after = both_sides(client, crm)
    first = back(run)
    before = both_sides(client, crm)

    second = back(first)
    assert both_sides(client, crm) == after
    third = back(second)
    assert both_sides(client, crm) == before
    back(third)
    assert both_sides(client, crm) == after
    assert_in_step(engine, crm)


def both_sides(client, crm):
    here = sorted((one["email"], one["name"], one["phone"]) for one in client.get("/users").json["data"])
    return here, sorted((one["email"], one["name"], one["phone"]) for one in crm.all())


def test_records_that_the_crm_has_purged_and_a_person_is_asked_about(client, crm, engine, worker):
    purged = [one["crm_id"] for one in new_there(crm, 13)][1:]
    pulled = do(engine, "pull")
    for crm_id in purged:
        crm.delete(crm_id)
    assert do(engine, "pull")["status"] == "needs_approval"
    gone = roll_back(engine, pulled["id"], "test", dry_run=False)

    foreseen = roll_back(engine, gone["id"], "test", dry_run=True)
    done = roll_back(engine, gone["id"], "test", dry_run=False)
    assert foretold(foreseen) == came_true(engine, done)
    counts = done["parts"]["users"]
    assert (counts["pulled"], counts["pushed"], counts["created"], counts["updated"]) == (13, 12, 25, 0)
    assert client.get("/sync/conflicts?status=open").json["data"] == []
    assert_in_step(engine, crm)
