"""What strangers send: never a 5xx, always JSON, nothing stored."""

import pytest

JSON = {"Content-Type": "application/json"}
RAW = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"text"',
    b"1",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"name": NaN}',
    b'{"name": -Infinity, "email": 1e999}',
    b'{"name": 1e999}',
    b'{"name": ' + b"9" * 5000 + b"}",
    b'{"name": "\\ud800", "email": "a@example.com"}',
    b'{"name": "\\u0000", "email": "a@example.com"}',
    b'{"name": "a", "email": "a@example.com", "\\udfff": 1}',
    b'{"name": "\xff", "email": "a@example.com"}',
    b"\xff\xfe{\x00}\x00",
    b'{"name": {"a": 1}, "email": ["a@example.com"]}',
    b'{"name": true, "email": 1.5, "phone": {}}',
    b'{"items": [[[]]], "username": {}, "refresh_token": [], "mode": {}, "url": {}, "secret": 5, "resources": 8}',
]
PLACES = [
    ("POST", "/crm/users"),
    ("PUT", "/crm/users/CRM1001"),
    ("PATCH", "/crm/users/CRM1001"),
    ("POST", "/crm/users/batch"),
    ("POST", "/crm/users/CRM1001/merge"),
    ("POST", "/crm/webhooks"),
    ("POST", "/crm/token"),
    ("POST", "/crm/auth/login"),
    ("POST", "/crm/auth/refresh"),
    ("POST", "/crm/_faults"),
]


@pytest.mark.parametrize(("method", "path"), PLACES)
def test_odd_json_is_refused(crm, ann, users, *, method, path):
    crm.post("/crm/users", json=ann)
    harmless = {200} if path.endswith(("batch", "CRM1001")) else set()
    for raw in RAW:
        answer = crm.open(path, method=method, data=raw, headers=JSON)
        assert answer.status_code in {400, 401, *harmless}, raw[:80]
        assert answer.status_code == 200 or {"error", "message"} <= set(answer.json)
    assert [each["version"] for each in users()] == [1]


def test_an_escaped_backslash_before_u0000_is_only_text(crm, ann):
    answer = crm.post("/crm/users", data=rb'{"name": "\\u0000 \u00e9", "email": "a@example.com"}', headers=JSON)
    assert answer.json["name"] == "\\u0000 é"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/crm/nowhere", 404),
        ("GET", "/crm/users/a/b", 404),
        ("PUT", "/crm/users", 405),
        ("DELETE", "/healthz", 405),
        ("GET", "/crm/token", 405),
        ("DELETE", "/crm/webhooks/wh_" + "9" * 30, 404),
        ("DELETE", "/crm/webhooks/1", 404),
        ("GET", "/records/nowhere", 404),
        ("GET", "/records/users/CRM5", 404),
    ],
)
def test_every_error_is_json(crm, method, path, status):
    answer = crm.open(path, method=method)
    assert answer.status_code == status
    assert {"error", "message"} <= set(answer.json)
    assert status != 405 or answer.headers["Allow"]


@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_is_not_json_is_415(crm, kind):
    answer = crm.post("/crm/users", data=b"{}", content_type=kind)
    assert (answer.status_code, "application/json" in answer.json["message"]) == (415, True)


def test_a_body_over_two_megabytes_is_413(crm):
    answer = crm.post("/crm/users", data=b'{"a": "' + b"x" * 2_100_000 + b'"}', headers=JSON)
    assert (answer.status_code, bool(answer.json["message"])) == (413, True)


@pytest.mark.parametrize(
    "query", ["external_id=%ED%A0%80", "external_id=%00", "external_id=" + "x" * 9000, "updated_since=%FF"]
)
def test_odd_queries_are_answered(crm, query):
    assert crm.get(f"/crm/users?{query}").status_code in {200, 400}
