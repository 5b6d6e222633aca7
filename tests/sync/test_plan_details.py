"""What a plan lists and counts: its form, what waits instead, many deletions, pages, and a CRM without a feed."""

import pytest

from app.crm import Unavailable
from app.sync import task
from tests.support.decisions import configure
from tests.support.plans import came_true, foretell, foretold
from tests.support.runs import do, new_there, new_users
from tests.support.users import patch_later

NOTHING = {"create": 0, "update": 0, "delete": 0}


def test_a_plan_names_side_record_action_and_each_field(client, crm, engine, user, clock):
    crm.edit(user["crm_id"], name="Ann There")
    patch_later(client, user, phone="222-222-2222")

    planned = foretell(engine)

    about = {"resource": "users", "record_id": user["id"], "crm_id": user["crm_id"], "action": "update"}
    assert planned["writes"] == [
        {"side": "here", **about, "fields": {"name": {"from": user["name"], "to": "Ann There"}}},
        {"side": "crm", **about, "fields": {"phone": {"from": user["phone"], "to": "222-222-2222"}}},
    ]
    assert planned["summary"] == {"here": NOTHING | {"update": 1}, "crm": NOTHING | {"update": 1}}
    assert (planned["would_change"], planned["truncated"], planned["calls"]) == (True, False, 1)


def test_nothing_to_do_is_an_empty_plan(engine, user):
    planned = foretell(engine)

    assert (planned["writes"], planned["would_change"]) == ([], False)
    assert planned["waits"] == {"conflicts": 0, "not_due": 0, "parked": 0, "needs_approval": []}


def test_all_writes_are_counted_and_as_many_listed_as_asked_for(client, crm, engine):
    new_users(client, 7)
    new_there(crm, 5)

    planned = foretell(engine, limit=3)

    assert (len(planned["writes"]), planned["truncated"]) == (3, True)
    assert planned["summary"] == {"here": NOTHING | {"create": 5}, "crm": NOTHING | {"create": 7}}


def test_what_is_owed_but_not_due_waits(client, crm, engine, user, clock):
    crm.fault("status", status=503, count=None, method="PATCH")
    patch_later(client, user, phone="222-222-2222")
    do(engine, "push")
    crm.heal()
    planned = foretell(engine)
    assert (planned["writes"], planned["waits"]["not_due"]) == ([], 1)
    assert do(engine, "both")["pushed"] == 0

    clock.pass_(minutes=1)
    assert foretell(engine)["summary"]["crm"]["update"] == do(engine, "both")["pushed"] == 1


def test_what_is_not_due_waits_also_when_the_pull_touches_its_record(client, crm, engine, user, clock):
    crm.fault("status", status=503, count=None, method="PATCH")
    patch_later(client, user, phone="222-222-2222")
    do(engine, "push")
    crm.heal()
    crm.edit(user["crm_id"], name="Ann There")
    planned = foretell(engine)

    run = do(engine, "both")

    assert (foretold(planned), planned["waits"]["not_due"]) == (came_true(engine, run), 1)


def test_what_somebody_is_pushing_at_this_moment_waits(client, crm, engine, user):
    patch_later(client, user, phone="222-222-2222")
    assert task.due(engine, 10)

    planned = foretell(engine)

    assert (planned["writes"], planned["waits"]["not_due"]) == ([], 1)


def test_a_refused_record_is_not_planned_before_it_gets_a_new_chance(client, crm, engine, user):
    crm.fault("status", status=422, count=1, method="PATCH")
    patch_later(client, user, phone="222-222-2222")
    do(engine, "push")
    assert foretell(engine)["writes"] == []

    patch_later(client, user, phone="333-333-3333")
    assert foretell(engine)["summary"]["crm"]["update"] == 1


def test_too_many_deletions_wait_for_a_person_and_what_they_hold_is_not_pushed(client, crm, engine, worker):
    users = new_users(client, 12)
    worker.drain()
    there = {one["external_id"]: one["crm_id"] for one in crm.all()}
    for user in users[:11]:
        crm.delete(there[user["id"]])
    patch_later(client, users[0], phone="222-222-2222")
    planned = foretell(engine)

    run = do(engine, "both")

    assert planned["waits"]["needs_approval"] == [{"resource": "users", "deletions": 11, "linked": 12}]
    assert planned["waits"]["conflicts"] == run["conflicts"] == 11
    assert run["status"] == "needs_approval"
    assert foretold(planned) == came_true(engine, run) == []


def test_what_the_same_pull_links_counts_for_how_many_may_be_deleted(client, crm, engine, worker):
    users = new_users(client, 20)
    worker.drain()
    do(engine, "pull")
    there = {one["external_id"]: one["crm_id"] for one in crm.all()}
    new_there(crm, 100)
    for user in users[:11]:
        crm.delete(there[user["id"]])
    planned = foretell(engine)

    run = do(engine, "both")

    assert (run["status"], run["deleted"]) == ("succeeded", 11)
    assert foretold(planned) == came_true(engine, run)


def test_what_one_page_gives_up_another_may_take(crm, engine, user, monkeypatch):
    monkeypatch.setattr("app.sync.feed.PAGE", 1)
    crm.edit(user["crm_id"], email="ann.new@example.com")
    crm.create(name="The new Ann", email=user["email"])
    crm.create(name="Twin", email="twin@example.com")
    crm.create(name="Twin", email="TWIN@example.com")
    planned = foretell(engine)

    run = do(engine, "both")

    assert foretold(planned) == came_true(engine, run)
    assert planned["waits"]["conflicts"] == 1
    assert planned["calls"] == 4


def test_a_conflict_that_is_open_already_is_counted_once(client, crm, engine, user):
    configure(engine, "manual")
    crm.edit(user["crm_id"], phone="987-654-3210")
    patch_later(client, user, phone="222-222-2222")
    do(engine, "both")
    crm.edit(user["crm_id"], phone="999-999-9999")

    assert foretell(engine)["waits"]["conflicts"] == 1
    do(engine, "both")
    assert foretell(engine)["waits"]["conflicts"] == 1


def test_a_crm_without_a_feed_is_asked_for_each_record(client, crm, engine, another):
    users = [client.post("/users", json=another()).json for _ in range(4)]
    crm.edit(users[0]["crm_id"], name="Edited there")
    crm.delete(users[1]["crm_id"])
    patch_later(client, users[2], name="Edited here")
    crm.fault("status", status=404, body="<html>no list</html>", count=None, path="/crm/users", method="GET")
    planned = foretell(engine)

    run = do(engine, "both")

    assert foretold(planned) == came_true(engine, run)
    assert (planned["calls"], planned["summary"]["here"]) == (5, {"create": 0, "update": 1, "delete": 1})


def test_a_crm_that_is_down_cannot_be_planned_for(crm, engine, user):
    crm.fault("status", status=503, count=None)

    with pytest.raises(Unavailable):
        foretell(engine)
    assert foretell(engine, "push")["writes"] == []


def test_a_deletion_that_a_killed_pull_left_behind_is_planned(crm, engine, user, monkeypatch):
    crm.delete(user["crm_id"])
    with monkeypatch.context() as patched:
        patched.setattr("app.sync.deletions.decide", lambda _part: None)
        do(engine, "pull")
    planned = foretell(engine)

    run = do(engine, "both")

    assert foretold(planned) == came_true(engine, run) != []
