"""What strangers send to the operations: never a 5xx, and nothing is decided by it."""

import json

import pytest

from tests.support.operations import NOBODY, disagree
from tests.support.strangers import BODIES, DEEP

JSON = "application/json"
IDS = [NOBODY, "none", "%00", "%ff", "%ed%a0%80", "..", "x" * 10_000, "1", "' OR 1=1 --", "{}"]
VALUES = [None, True, -1, 2**62, 1.5, "", "x" * 1000, "\x01", [], {}, [[]], {"crm": 1}, ["crm"]]
MEMBERS = {
    "/sync": ["direction", "resources", "batch_size", "policy"],
    "/sync/verify": ["resources", "repair"],
    "/sync/runs/{run}/rollback": ["dry_run"],
    "/sync/runs/{run}/approve": ["recreate"],
    "/sync/runs/{run}/refuse": ["recreate"],
    "/sync/conflicts/{conflict}/resolve": ["use", "value", "make_rule", "recreate"],
    "/sync/conflicts/resolve": ["use", "ids", "resource", "kind", "field", "record_id", "run_id"],
    "/sync/rules/users.phone": ["policy"],
}


@pytest.fixture
def conflict(client, crm, user):
    return disagree(client, crm, user)["id"]


@pytest.fixture
def send(client, conflict):
    run = client.post("/sync").json["id"]

    def send(path, **about):
        method = "PUT" if "rules" in path else "POST"
        return client.open(path.format(run=run, conflict=conflict), method=method, **about)

    return send


def _still_open(client, conflict):
    return client.get(f"/sync/conflicts/{conflict}").json["status"] == "open"


@pytest.mark.parametrize("path", MEMBERS)
def test_no_body_breaks_anything(client, conflict, send, path):
    for name, body in BODIES.items():
        answer = send(path, data=body, content_type=JSON)
        if body or "conflicts" in path or "rules" in path:
            assert answer.status_code == 400, (name, answer.status_code)
            assert answer.mimetype == "application/problem+json"
    assert send(path, data=b'{"a":' * DEEP, content_type=JSON).status_code == 400
    assert send(path, data=b"{}", content_type="text/plain").status_code == 415
    assert _still_open(client, conflict)


@pytest.mark.parametrize("path", MEMBERS)
def test_no_value_of_a_member_breaks_anything(client, conflict, send, path):
    for name in MEMBERS[path]:
        for value in VALUES:
            good = {"use": "value"} if name == "value" else {}
            answer = send(path, data=json.dumps({**good, name: value}), content_type=JSON)
            assert answer.status_code < 500, (name, value)
            if answer.status_code == 400:
                assert answer.json["errors"], (name, value)


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/sync/runs/{}"), ("POST", "/sync/runs/{}/rollback"), ("POST", "/sync/runs/{}/approve"),
     ("POST", "/sync/runs/{}/refuse"), ("GET", "/sync/conflicts/{}"), ("DELETE", "/sync/rules/{}"),
     ("GET", "/users/{}/explain"), ("POST", "/users/{}/restore"), ("POST", "/users/{}/changes/1/undo")],
)  # fmt: skip
def test_no_id_breaks_anything(client, method, path):
    for prefix in ("", "/api/v1"):
        for identity in IDS:
            answer = client.open(prefix + path.format(identity), method=method)
            assert answer.status_code == 404, identity


def test_no_query_breaks_anything(client):
    for path, names in (
        ("/sync/plan", ("direction", "resource", "limit")),
        ("/sync/conflicts", ("run_id", "record_id", "field", "page")),
        ("/sync/runs", ("page", "per_page")),
    ):
        for name in names:
            for value in ("", "\0", "\x01", "é", "x" * 5000, "-1", "9" * 50, "[]"):
                answer = client.get(path, query_string={name: value})
                assert answer.status_code in {200, 400}, (path, name, value)
