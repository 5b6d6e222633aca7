"""Races that a random attack on the engine found; each is the fewest steps that showed it."""

from datetime import timedelta

import pytest

from app.sync import bulk, push, task
from tests.support.settings import ANN


def later(client, user, **fields):
    return client.patch(f"/users/{user['id']}", json=fields, headers={"Prefer": "respond-async"})


def read(client, user):
    return client.get(f"/users/{user['id']}").json


def a_create_whose_answers_were_lost(client, crm, worker):
    crm.fault("cut_after", count=3)
    user = client.post("/users", json=ANN).json
    assert user["sync_status"] == "pending"
    [there] = crm.all()
    return user, there["crm_id"]


def test_a_staff_edit_after_a_create_that_was_lost_is_not_overwritten_unseen(client, crm, worker, clock):
    user, crm_id = a_create_whose_answers_were_lost(client, crm, worker)
    later(client, user, name="Ann Here")
    clock.pass_(seconds=1)
    crm.edit(crm_id, name="Ann There")
    worker.drain()

    [found] = client.get("/sync/conflicts").json["data"]
    assert (found["local"], found["crm"]) == ("Ann Here", "Ann There")
    assert read(client, user)["name"] == crm.get(crm_id)["name"] == "Ann There"


@pytest.mark.parametrize("policy", ["crm_wins", "local_wins", "latest"])
def test_a_staff_edit_of_a_record_that_nobody_edited_here_is_taken(client, crm, worker, clock, engine, policy):
    object.__setattr__(engine.policies, "default", policy)
    user, crm_id = a_create_whose_answers_were_lost(client, crm, worker)
    clock.pass_(seconds=1)
    crm.edit(crm_id, name="Ann There")
    worker.drain()

    assert read(client, user)["name"] == crm.get(crm_id)["name"] == "Ann There"
    assert client.get("/sync/conflicts").json["data"] == []


def test_a_delete_that_comes_during_a_failing_push_leaves_nothing_pending(client, crm, user, webhook, worker):
    crm.fault("status", status=500, count=3, method="PATCH")
    crm.line.before = lambda _request: webhook(user["crm_id"], event="deleted", version=9)
    later(client, user, phone="222-222-2222")
    worker.push()
    crm.line.before = lambda _request: None

    assert client.get("/users?sync_status=pending").json["data"] == []
    assert client.get(f"/users/{user['id']}").status_code == 404
    assert client.get("/sync/status").json["resources"]["users"]["owed"] == 0


def test_a_worker_that_wakes_up_late_does_not_spoil_what_another_has_done(client, crm, worker, engine, clock):
    user = client.post("/users", json=ANN, headers={"Prefer": "respond-async"}).json
    [late] = task.due(engine, 1)
    clock.pass_(seconds=61)
    worker.drain()
    assert read(client, user)["sync_status"] == "synced"

    push.push(engine, late, deadline=clock.monotonic() - 1)

    assert read(client, user)["sync_status"] == "synced"
    assert len(crm.all()) == 1


@pytest.mark.parametrize(
    ("waited", "jumps"),
    [((0, 0), (-1, 0)), ((0, 61), (0, -1)), ((0, 1), (1, -1)), ((30, 31), (0, 0))],
    ids=["set back before", "set back after", "forward and back", "not set at all"],
)
def test_a_claim_that_another_worker_has_taken_over_is_not_pushed(client, crm, worker, engine, clock, waited, jumps):
    crm.fault("no_idempotency")
    user = client.post("/users", json=ANN, headers={"Prefer": "respond-async"}).json
    unit = task.due(engine, 1)
    clock.pass_(seconds=waited[0])
    clock.start += timedelta(days=jumps[0])
    clock.pass_(seconds=waited[1])
    worker.drain()
    clock.start += timedelta(days=jumps[1])

    bulk.push_unit(engine, unit)

    assert len(crm.all()) == 1
    assert read(client, user)["sync_status"] == "synced"


def test_a_claim_that_was_held_for_too_long_is_left_to_the_next_push(client, crm, worker, engine, clock):
    user = client.post("/users", json=ANN, headers={"Prefer": "respond-async"}).json
    unit = task.due(engine, 1)
    clock.pass_(seconds=56)

    bulk.push_unit(engine, unit)

    assert crm.all() == []
    clock.pass_(minutes=1)
    worker.drain()
    assert len(crm.all()) == 1
    assert read(client, user)["sync_status"] == "synced"


def test_the_end_of_an_old_twin_is_no_conflict(client, crm, worker, clock, webhook):
    user, twin = a_create_whose_answers_were_lost(client, crm, worker)
    crm.fault("no_idempotency")
    crm.delete(twin)
    worker.drain()
    assert read(client, user)["sync_status"] == "synced"
    assert read(client, user)["crm_id"] != twin

    webhook(twin, event="deleted", version=2, external_id=user["id"])
    clock.pass_(minutes=2)
    worker.drain()

    assert client.get("/sync/conflicts").json["data"] == []
    assert read(client, user)["sync_status"] == "synced"


def test_what_came_and_went_in_the_crm_before_we_knew_it_is_settled_soon(client, crm, worker, clock, webhook):
    there = crm.create(name="Bob", email="bob@example.com")
    crm.delete(there["crm_id"])
    assert webhook(there["crm_id"], {"name": "Bob"}, event="created", version=1).status_code == 202
    for _ in range(20):
        worker.settle()
        clock.pass_(seconds=30)

    assert client.get("/sync/status").json["resources"]["users"]["parked"] == 0
    assert len(crm.calls("GET")) < 10


def test_a_record_known_by_its_first_webhook_only_is_not_overwritten_blindly(client, crm, worker, clock, webhook):
    user, crm_id = a_create_whose_answers_were_lost(client, crm, worker)
    webhook(crm_id, ANN, event="created", version=1, external_id=user["id"])
    crm.edit(crm_id, phone="987-654-3210")
    client.patch(f"/users/{user['id']}", json={"phone": "222-222-2222"})
    worker.drain()

    [found] = client.get("/sync/conflicts").json["data"]
    assert (found["local"], found["crm"]) == ("222-222-2222", "987-654-3210")
    assert read(client, user)["phone"] == crm.get(crm_id)["phone"] == "987-654-3210"
