"""What strangers send: never a 5xx, nothing stored unless it is valid, and what is valid arrives byte for byte."""

import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.strangers import BODIES, FINE, JSON, WRONG

TARGETS = [("POST", "/users"), ("PUT", "{url}"), ("PATCH", "{url}"), ("POST", "/webhook"), ("POST", "/sync")]


def _is_a_problem(answer, status):
    shown = answer.get_data(as_text=True)
    assert answer.status_code == status, shown[:500]
    assert answer.mimetype == "application/problem+json"
    body = json.loads(shown, parse_constant=lambda name: pytest.fail(f"{name} in the answer"))
    assert {"type", "title", "status", "detail", "code", "request_id", "error"} <= set(body)
    assert body["status"] == status
    assert body["request_id"] == answer.headers["X-Request-Id"]
    assert body["error"] == body["detail"]
    return body


@pytest.fixture
def nothing_stored(client, crm, user):
    """Fail when anything but the one user is stored afterwards, or that one is not as it was."""
    yield
    assert client.get("/users").json["data"] == [user]
    assert len(crm.all()) == 1
    assert client.get("/sync/status").json["resources"]["users"]["parked"] == 0


def test_no_body_breaks_anything(client, user, nothing_stored):
    for (method, path), (name, raw) in ((target, one) for target in TARGETS for one in BODIES.items()):
        if (path, name) == ("/sync", "nothing"):
            continue  # nothing is a fair way to ask for everything
        answer = client.open(path.format(url=f"/users/{user['id']}"), method=method, data=raw, content_type=JSON)
        assert answer.status_code == 400, (method, path, name, answer.status_code)
        assert "errors" in _is_a_problem(answer, 400)


def test_only_json_is_read(client, user, nothing_stored):
    body = json.dumps({"name": "Bob", "email": "bob@example.com"})
    kinds = ["", "text/plain", "text/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x",
             "application/xml", "json", "application/jsonp", "application/json-seq"]  # fmt: skip
    for method, path in TARGETS:
        for kind in kinds:
            answer = client.open(path.format(url=f"/users/{user['id']}"), method=method, data=body, content_type=kind)
            assert _is_a_problem(answer, 415)["code"] == "unsupported_media_type"


def test_more_than_a_megabyte_is_not_read(client, user, nothing_stored):
    large = b'{"name": "' + b"x" * 1024 * 1024 + b'"}'
    for method, path in TARGETS:
        where = path.format(url=f"/users/{user['id']}")
        _is_a_problem(client.open(where, method=method, data=large, content_type=JSON), 413)
        endless = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
        chunked = client.open(
            where, method=method, input_stream=io.BytesIO(large), content_type=JSON, environ_overrides=endless
        )
        _is_a_problem(chunked, 413)


def test_a_chunked_body_is_a_body(client):
    raw = io.BytesIO(b'{"name": "Ann", "email": "ann@example.com"}')
    overrides = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}

    answer = client.post("/users", input_stream=raw, content_type=JSON, environ_overrides=overrides)

    assert answer.status_code == 201


def test_values_beyond_the_limits_are_refused_by_name(client, user, nothing_stored):
    for name, value in WRONG:
        fine = {"name": "Bob", "email": "bob@example.com", "phone": "123-456-7890"}
        for answer in (
            client.post("/users", json=fine | {name: value}),
            client.put(f"/users/{user['id']}", json=fine | {name: value}),
            client.patch(f"/users/{user['id']}", json={name: value}),
        ):
            assert set(_is_a_problem(answer, 400)["errors"]) == {name}, (name, value)


def test_valid_values_reach_the_crm_byte_for_byte(client, crm):
    for number, special in enumerate(FINE):
        fields = {"name": "Ann", "email": f"ann{number}@example.com", "phone": "123-456-7890"} | special
        answer = client.post("/users", data=json.dumps(fields, ensure_ascii=bool(number % 2)), content_type=JSON)

        assert answer.status_code == 201, (special, answer.json)
        assert answer.json["sync_status"] == "synced", answer.json
        for copy in (answer.json, client.get(f"/users/{answer.json['id']}").json, crm.get(answer.json["crm_id"])):
            assert {name: copy[name] for name in fields} == fields


def test_two_unicode_forms_of_one_email_are_one_email(client):
    assert client.post("/users", json={"name": "A", "email": "zoë@example.com"}).status_code == 201
    assert client.post("/users", json={"name": "A", "email": "zoe\u0308@example.com"}).status_code == 409


def test_odd_headers_are_survived(client, user):
    for name, value in [
        ("X-Request-Id", "x" * 10_000), ("X-Request-Id", "é"), ("If-None-Match", ",,,W/"), ("Prefer", ",,=;"),
        ("Accept", "text/html"), ("Authorization", "Bearer"), ("Range", "bytes=0-1"), ("Cookie", "a=\xff"),
    ]:  # fmt: skip
        answer = client.get(f"/users/{user['id']}", headers={name: value})
        assert answer.status_code == 200, (name, value)
        assert len(answer.headers["X-Request-Id"]) <= 128


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=[]), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(
    ["name", "email", "phone", "version", "id", "crm_id", "updated_fields", "timestamp", "event", "direction"]
)
bodies = values | st.dictionaries(keys, values, max_size=5)


def test_no_json_of_any_shape_is_answered_with_a_5xx(client, user):
    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(bodies)
    def try_it(body):
        raw = json.dumps(body)
        for method, path in TARGETS:
            answer = client.open(path.format(url=f"/users/{user['id']}"), method=method, data=raw, content_type=JSON)
            assert answer.status_code < 500, (method, path, raw)
            if answer.status_code >= 400:
                _is_a_problem(answer, answer.status_code)

    try_it()
