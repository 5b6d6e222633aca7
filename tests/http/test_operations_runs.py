"""Runs over HTTP: how they are asked for, looked at, taken back, approved and refused."""

import pytest

from tests.support.operations import MANY, NOBODY, delete_many, problem
from tests.support.runs import new_there, new_users
from tests.support.settings import ANN
from tests.support.users import fields_of, read

WRONG = {
    "another direction": ({"direction": "up"}, "direction"),
    "no direction": ({"direction": None}, "direction"),
    "no resource": ({"resources": []}, "resources"),
    "another resource": ({"resources": ["planets"]}, "resources"),
    "a resource that is a list": ({"resources": [[]]}, "resources"),
    "a word for resources": ({"resources": "users"}, "resources"),
    "no batch": ({"batch_size": 0}, "batch_size"),
    "a batch too large": ({"batch_size": 1001}, "batch_size"),
    "a batch by halves": ({"batch_size": 1.5}, "batch_size"),
    "a batch that is a truth": ({"batch_size": True}, "batch_size"),
    "another policy": ({"policy": "nobody_wins"}, "policy"),
    "an empty policy": ({"policy": " , "}, "policy"),
    "a policy for what is not there": ({"policy": "users.colour:manual"}, "policy"),
    "a policy for another resource": ({"policy": "planets:manual"}, "policy"),
    "a policy without end": ({"policy": "manual," * 1000}, "policy"),
    "a policy that is a list": ({"policy": []}, "policy"),
    "a name of its own": ({"colour": "red"}, "colour"),
}


@pytest.mark.parametrize(("body", "named"), WRONG.values(), ids=WRONG)
def test_what_makes_no_sense_is_named_and_nothing_runs(client, body, named):
    problem(client.post("/sync", json=body), 400, "invalid", named)

    assert client.get("/sync/runs").json["data"] == []


def test_everything_that_is_wrong_is_named_together(client):
    body = {"direction": 1, "resources": 2, "batch_size": "3", "policy": 4, "colour": 5}

    problem(client.post("/sync", json=body), 400, "invalid", *body)


def test_a_run_remembers_how_it_was_asked_for(client):
    asked = {
        "direction": "bidirectional",
        "resources": ["users", "users"],
        "batch_size": 7,
        "policy": "users.phone:manual",
    }

    run = client.post("/sync", json=asked).json

    assert (run["direction"], run["resources"], run["batch_size"]) == ("both", ["users"], 7)
    assert (run["policy"], run["asked_by"]) == ("crm_wins,users.phone:manual", "api")
    assert client.get(f"/sync/runs/{run['id']}").json == run


def test_the_policy_of_a_run_decides_its_conflicts(client, crm, user, clock):
    crm.edit(user["crm_id"], phone="987-654-3210")
    client.patch(f"/users/{user['id']}", json={"phone": "222-222-2222"}, headers={"Prefer": "respond-async"})

    run = client.post("/sync", json={"policy": "local_wins"}).json

    assert (run["conflicts"], read(client, user)["phone"]) == (1, "222-222-2222")
    [conflict] = client.get(f"/sync/conflicts?run_id={run['id']}").json["data"]
    assert (conflict["policy"], conflict["resolution"]) == ("local_wins", "local")
    assert client.get(f"/sync/conflicts?run_id={NOBODY}").json["data"] == []


def test_a_rollback_is_looked_at_first_and_then_done(client, crm, user):
    crm.edit(user["crm_id"], name="Ann There")
    run = client.post("/sync").json
    url = f"/sync/runs/{run['id']}/rollback"

    plan = client.post(url, json={"dry_run": True}).json
    assert (plan["dry_run"], plan["run_id"], plan["left"]) == (True, run["id"], [])
    assert [one["fields"]["name"] for one in plan["writes"] if one["side"] == "here"] == [
        {"from": "Ann There", "to": ANN["name"]}
    ]
    assert read(client, user)["name"] == "Ann There"

    done = client.post(url).json
    assert (done["direction"], done["rolls_back"], done["status"]) == ("rollback", run["id"], "succeeded")
    assert fields_of(read(client, user)) == ANN
    assert crm.get(user["crm_id"])["name"] == ANN["name"]


def test_what_has_moved_since_is_left_and_listed(client, crm, user):
    crm.edit(user["crm_id"], name="Ann There")
    run = client.post("/sync").json
    client.patch(f"/users/{user['id']}", json={"name": "Ann Later"})

    done = client.post(f"/sync/runs/{run['id']}/rollback", json={}).json

    [left] = done["parts"]["users"]["left"]
    assert (left["record_id"], read(client, user)["name"]) == (user["id"], "Ann Later")


def test_a_rollback_of_nothing_is_refused(client):
    run = client.post("/sync").json

    problem(client.post(f"/sync/runs/{NOBODY}/rollback"), 404, "not_found")
    problem(client.post("/sync/runs/%00/rollback"), 404, "not_found")
    problem(client.post(f"/sync/runs/{run['id']}/rollback", json={"dry_run": 1}), 400, "invalid", "dry_run")
    problem(client.post(f"/sync/runs/{run['id']}/rollback", json={"dry": True}), 400, "invalid", "dry")
    problem(client.post(f"/sync/runs/{run['id']}/rollback", json=[]), 400, "invalid")


def test_approved_deletions_are_done(client, crm):
    run = delete_many(client, crm)

    answer = client.post(f"/sync/runs/{run['id']}/approve")

    assert answer.json == {"status": "approved", "resolved": MANY, "left": []}
    assert client.get("/users").json["data"] == []
    assert client.get(f"/sync/runs/{run['id']}").json["status"] == "approved"
    problem(client.post(f"/sync/runs/{run['id']}/approve"), 409, "already_decided")
    problem(client.post(f"/sync/runs/{run['id']}/refuse"), 409, "already_decided")


@pytest.mark.parametrize(("body", "there"), [(None, 0), ({"recreate": False}, 0), ({"recreate": True}, MANY)])
def test_refused_deletions_leave_the_records(client, crm, worker, body, there):
    run = delete_many(client, crm)

    answer = (
        client.post(f"/sync/runs/{run['id']}/refuse", json=body)
        if body
        else client.post(f"/sync/runs/{run['id']}/refuse")
    )
    worker.drain()

    assert answer.json == {"status": "refused", "resolved": MANY, "left": []}
    assert client.get("/users").json["pagination"]["total"] == MANY
    assert len(crm.all()) == there


def test_a_decision_about_a_run_that_makes_no_sense_is_refused(client):
    run = client.post("/sync").json["id"]

    problem(client.post(f"/sync/runs/{run}/approve"), 409, "already_decided")
    problem(client.post(f"/sync/runs/{run}/approve", json={"recreate": True}), 400, "invalid", "recreate")
    problem(client.post(f"/sync/runs/{run}/refuse", json={"recreate": "yes"}), 400, "invalid", "recreate")
    for verb in ("approve", "refuse"):
        problem(client.post(f"/sync/runs/{NOBODY}/{verb}"), 404, "not_found")
        problem(client.post(f"/sync/runs/%01/{verb}"), 404, "not_found")


def test_both_directions_are_counted(client, crm):
    new_users(client, 2)
    new_there(crm, 3)

    run = client.post("/api/v1/sync", json={"batch_size": 1}).json

    assert (run["pushed"], run["pulled"], run["parts"]["users"]["created"]) == (2, 3, 5)
