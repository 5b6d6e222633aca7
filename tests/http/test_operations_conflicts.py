"""Conflicts and rules over HTTP: looked at, decided one by one or many at once, made a rule."""

import pytest

from tests.support.decisions import HERE, THERE
from tests.support.operations import NOBODY, delete_many, disagree, problem
from tests.support.users import read

WRONG = {
    "nothing": ({}, ["use"]),
    "another side": ({"use": "both"}, ["use"]),
    "null": ({"use": None}, ["use"]),
    "a list": ({"use": ["crm"]}, ["use"]),
    "no value": ({"use": "value"}, ["value"]),
    "a value too many": ({"use": "crm", "value": HERE}, ["value"]),
    "a value as a rule": ({"use": "value", "value": HERE, "make_rule": True}, ["make_rule"]),
    "flags that are none": ({"use": "crm", "make_rule": 1, "recreate": "no"}, ["make_rule", "recreate"]),
    "recreated there by the CRM": ({"use": "crm", "recreate": True}, ["recreate"]),
    "a name of its own": ({"use": "crm", "colour": 1}, ["colour"]),
}
WRONG_MANY = {
    "nothing": ({}, ["use", "ids"]),
    "all there are": ({"use": "crm"}, ["ids"]),
    "a value": ({"use": "value", "kind": "field"}, ["use"]),
    "a rule": ({"use": "crm", "kind": "field", "make_rule": True}, ["make_rule"]),
    "no ids": ({"use": "crm", "ids": []}, ["ids"]),
    "an id": ({"use": "crm", "ids": NOBODY}, ["ids"]),
    "ids that are none": ({"use": "crm", "ids": [1]}, ["ids"]),
    "too many ids": ({"use": "crm", "ids": ["x"] * 1001}, ["ids"]),
    "filters": ({"use": "crm", "resource": "x", "kind": "y", "field": 1, "run_id": "\x01"},
                ["resource", "kind", "field", "run_id"]),
}  # fmt: skip


@pytest.fixture
def conflict(client, crm, user):
    """A field that both sides changed, which a person has to decide."""
    return disagree(client, crm, user)


@pytest.fixture
def resolve(client, conflict):
    return lambda **body: client.post(f"/sync/conflicts/{conflict['id']}/resolve", json=body)


def test_a_conflict_is_read_with_both_values(client, conflict):
    found = client.get(f"/sync/conflicts/{conflict['id']}").json

    assert found == conflict
    assert (found["local"], found["crm"], found["status"]) == (HERE, THERE, "open")


@pytest.mark.parametrize("identity", [NOBODY, "none", "%00", "x" * 400])
def test_a_conflict_that_is_not_there_is_a_404(client, conflict, identity):
    problem(client.get(f"/sync/conflicts/{identity}"), 404, "not_found")
    problem(client.post(f"/sync/conflicts/{identity}/resolve", json={"use": "crm"}), 404, "not_found")


@pytest.mark.parametrize(
    ("decision", "value"),
    [({"use": "crm"}, THERE), ({"use": "local"}, HERE), ({"use": "value", "value": "333-333-3333"}, "333-333-3333"),
     ({"use": "value", "value": None}, None)],
)  # fmt: skip
def test_both_sides_get_what_was_chosen(client, crm, user, worker, resolve, decision, value):
    answer = resolve(**decision)
    worker.drain()

    assert (answer.json["status"], answer.json["resolution"], answer.json["resolved_by"]) == (
        "resolved", decision["use"], "api",
    )  # fmt: skip
    assert (read(client, user)["phone"], read(client, user)["sync_status"]) == (value, "synced")
    assert crm.get(user["crm_id"])["phone"] == value


@pytest.mark.parametrize(("body", "named"), WRONG.values(), ids=WRONG)
def test_a_decision_that_makes_no_sense_is_refused(client, conflict, resolve, body, named):
    problem(resolve(**body), 400, "invalid", *named)

    assert client.get(f"/sync/conflicts/{conflict['id']}").json["status"] == "open"


def test_a_value_that_is_not_valid_is_named(resolve):
    for value in ("not a phone", 7, []):
        problem(resolve(use="value", value=value), 400, "invalid", "value")


def test_nobody_decides_twice(resolve):
    assert resolve(use="crm").status_code == 200

    problem(resolve(use="local"), 409, "already_decided")


def test_a_decision_becomes_a_rule(client, conflict, resolve):
    resolve(use="local", make_rule=True)

    [rule] = client.get("/sync/rules").json["data"]
    assert (rule["field"], rule["policy"], rule["set_by"]) == ("users.phone", "local_wins", "api")


def test_many_are_decided_at_once(client, crm, conflict, user):
    for filters in ({"ids": [NOBODY]}, {"run_id": NOBODY}, {"field": "name"}, {"kind": "deleted", "resource": "users"}):
        found = client.post("/sync/conflicts/resolve", json={"use": "crm", **filters}).json
        assert found == {"resolved": 0, "left": []}

    both = {"ids": [conflict["id"], conflict["id"]], "record_id": user["id"], "field": "phone"}
    assert client.post("/sync/conflicts/resolve", json={"use": "crm", **both}).json == {"resolved": 1, "left": []}
    assert read(client, user)["phone"] == THERE


def test_all_that_a_run_found_are_decided_at_once(client, crm):
    run = delete_many(client, crm)
    query = f"/sync/conflicts?run_id={run['id']}"
    assert {one["kind"] for one in client.get(query).json["data"]} == {"deleted"}

    found = client.post("/sync/conflicts/resolve", json={"use": "local", "run_id": run["id"]}).json

    assert (found["resolved"], found["left"]) == (client.get(query).json["pagination"]["total"], [])


@pytest.mark.parametrize(("body", "named"), WRONG_MANY.values(), ids=WRONG_MANY)
def test_decisions_that_make_no_sense_are_refused(client, conflict, body, named):
    problem(client.post("/sync/conflicts/resolve", json=body), 400, "invalid", *named)

    assert client.get(f"/sync/conflicts/{conflict['id']}").json["status"] == "open"


def test_a_rule_is_made_changed_and_dropped(client):
    assert client.get("/sync/rules").json == {"data": []}

    made = client.put("/sync/rules/users.phone", json={"policy": "manual"}).json
    changed = client.put("/api/v1/sync/rules/users.phone", json={"policy": "latest"}).json

    assert (made["field"], made["policy"], changed["policy"]) == ("users.phone", "manual", "latest")
    assert client.get("/sync/rules").json == {"data": [changed]}
    assert (client.delete("/sync/rules/users.phone").status_code, client.get("/sync/rules").json["data"]) == (204, [])
    problem(client.delete("/sync/rules/users.phone"), 404, "not_found")


def test_a_rule_that_makes_no_sense_is_refused(client):
    for scope in ("users", "users.colour", "planets.name", "users.", ".", "%00", "x" * 400):
        problem(client.put(f"/sync/rules/{scope}", json={"policy": "manual"}), 404, "not_found")
        problem(client.delete(f"/sync/rules/{scope}"), 404, "not_found")
    for body, named in [({}, "policy"), ({"policy": "x"}, "policy"), ({"policy": "manual", "by": "me"}, "by")]:
        problem(client.put("/sync/rules/users.phone", json=body), 400, "invalid", named)
    assert client.get("/sync/rules").json == {"data": []}
