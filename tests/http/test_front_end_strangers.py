"""What strangers send to the front end's dialect: refused for the API's reasons, never a 5xx; names can be told back."""

import io
import json
import re
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.schema import READ_ONLY
from app.http.front_end import Spelling, to_ours, to_theirs
from app.resources import REGISTRY
from tests.support.front_end import refused
from tests.support.strangers import BODIES, DEEP, JSON, WRONG

TARGETS = [("POST", "/users"), ("PUT", "/users/{id}"), ("PATCH", "/users/{id}"), ("POST", "/users/batch"),
           ("PATCH", "/users"), ("PUT", "/sync/rules/users.phone")]  # fmt: skip
NO_DATABASE = settings(max_examples=300, database=None)
FEW = settings(max_examples=40, database=None, suppress_health_check=list(HealthCheck))
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = text | st.text("aB_1", max_size=8)
words = st.lists(st.text("ab19", min_size=1, max_size=3), min_size=1, max_size=4)
SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@NO_DATABASE
@given(names)
def test_every_name_is_told_back_as_it_was_sent(name):
    assert to_theirs(to_ours(name)) == name


@NO_DATABASE
@given(words)
def test_every_name_of_the_api_has_one_of_the_front_end(parts):
    name = f"x{'_'.join(parts)}"

    assert to_ours(to_theirs(name)) == name


@NO_DATABASE
@given(names, st.sampled_from(["_a", "_", "__1", "_B"]), names)
def test_no_name_with_an_underscore_is_one_of_the_api(before, underscored, after):
    name = f"{before}{underscored}{after}"

    assert not SNAKE.fullmatch(to_ours(name))


@pytest.mark.parametrize("resource", REGISTRY.values(), ids=REGISTRY)
def test_every_declared_name_has_a_name_of_its_own(resource):
    ours = {*resource.fields, *READ_ONLY}
    theirs = {to_theirs(name) for name in ours}

    assert len(theirs) == len(ours)
    assert {to_ours(name) for name in theirs} == ours
    assert not any("_" in name for name in theirs)


@NO_DATABASE
@given(st.lists(st.tuples(names | st.sampled_from(["search", "sort", "itemsPerPage", "q"]), text), max_size=5))
def test_a_query_is_told_back_as_it_was_sent(pairs):
    ambiguous = {"q", "perPage"} & {name for name, _ in pairs}
    spelling = Spelling()

    back = spelling.query_back(spelling.query(urlencode(pairs)))

    if not ambiguous:
        assert parse_qsl(back, keep_blank_values=True) == pairs


def test_a_body_is_refused_for_the_apis_reason(client, user):
    for (method, path), (name, raw) in ((target, one) for target in TARGETS for one in BODIES.items()):
        where = path.format(id=user["id"])
        plain = client.open(where, method=method, data=raw, content_type=JSON)
        shown = refused(client.open(f"/api{where}", method=method, data=raw, content_type=JSON), 400, "invalid")
        assert plain.status_code == 400, (where, name)
        assert shown["errors"] == plain.json["errors"], (where, name)
        # The order in which unknown names are complained of is nobody's.
        assert sorted(shown["error"].split()) == sorted(plain.json["detail"].split()), (where, name)
    assert client.get("/api/users").json["pagination"]["totalItems"] == 1


def test_the_limits_of_a_body_hold(client, user):
    large = b'{"name": "' + b"x" * 1024 * 1024 + b'"}'
    endless = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"}
    for method, path in TARGETS:
        where = f"/api{path.format(id=user['id'])}"
        too_large = client.open(where, method=method, data=large, content_type=JSON)
        refused(too_large, 413, "request_entity_too_large")
        chunked = client.open(
            where, method=method, input_stream=io.BytesIO(large), content_type=JSON, environ_overrides=endless
        )
        refused(chunked, 413, "request_entity_too_large")
        refused(client.open(where, method=method, data=b'{"a":' * DEEP, content_type=JSON), 400, "invalid")
        for kind in ("", "text/plain", "multipart/form-data; boundary=x", "application/xml"):
            other = client.open(where, method=method, data=b"{}", content_type=kind)
            refused(other, 415, "unsupported_media_type")


def test_values_beyond_the_limits_are_refused_by_name(client, user):
    for name, value in WRONG:
        answer = client.patch(f"/api/users/{user['id']}", json={name: value})
        assert set(refused(answer, 400, "invalid")["errors"]) == {name}, (name, value)


def test_no_address_breaks_anything(client):
    for identity in ("none", "%00", "%ff", "%ed%a0%80", "..", "x" * 10_000, "' OR 1=1 --", "{}", "/", "a//b"):
        for path in ("/api/{}", "/api/users/{}", "/api/users/{}/", "/api/sync/rules/{}", "/api/sync/runs/{}"):
            answer = client.delete(path.format(identity))
            assert answer.status_code in {308, 404, 405}, (path, identity)


def test_no_query_breaks_anything(client):
    for name in (
        "page",
        "perPage",
        "itemsPerPage",
        "search",
        "sort",
        "field",
        "updatedSince",
        "cursor",
        "%ff",
        "é",
        "_",
    ):
        for value in ("", "%00", "%01", "é", "%ff", "x" * 5000, "-1", "-", "[]", "&", "=", "%"):
            for path in ("/api/users", "/api/sync/conflicts", "/api/sync/plan"):
                answer = client.get(f"{path}?{name}={value}")
                assert answer.status_code in {200, 400}, (path, name, value)
                assert answer.json["success"] is (answer.status_code == 200)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=[]), max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
keys = st.sampled_from(["name", "email", "version", "id", "crmId", "items", "set", "ids", "atomic", "updatedAt", "use"])
bodies = values | st.dictionaries(keys | names, values, max_size=5)


def test_no_json_of_any_shape_is_answered_with_a_5xx(client, user):
    @FEW
    @given(bodies)
    def try_it(body):
        for method, path in [*TARGETS, ("POST", "/sync/conflicts/resolve")]:
            where = f"/api{path.format(id=user['id'])}"
            answer = client.open(where, method=method, data=json.dumps(body), content_type=JSON)
            assert answer.status_code < 500, (method, path, body)
            assert answer.json["success"] is (answer.status_code < 400) or path.endswith("batch")

    try_it()


@pytest.mark.parametrize("settings", [{"APP_ENV": "production", "API_TOKENS": ["t" * 32]}])
def test_in_production_a_token_is_asked_for(client):
    answer = client.get("/api/users")

    refused(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert client.get("/api/users", headers={"Authorization": f"Bearer {'t' * 32}"}).status_code == 200


def test_the_log_names_the_route_and_no_more(client, caplog):
    client.get("/api/users?search=ann@example.com")

    assert any("'route': '/users'" in line for line in caplog.messages)
    assert "ann@example.com" not in caplog.text
