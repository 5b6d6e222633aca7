"""Every error is a problem with a request id, a database that cannot is a 503 that passes, and logs tell no secrets."""

import fcntl
import io
import logging
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy.exc import TimeoutError as NoConnection

from app.core import db as database
from app.core.db import db
from app.services import records, status
from tests.support.operations import NOBODY

PERSON = {"name": "Wilhelmina Quux", "email": "wilhelmina.quux@example.com", "phone": "555-867-5309"}


def _check(answer, status, code):
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    body = answer.json
    assert (body["status"], body["code"], body["type"]) == (status, code, "about:blank")
    assert body["error"] == body["detail"]
    assert body["title"]
    assert body["request_id"] == answer.headers["X-Request-Id"]
    return body


@pytest.fixture
def console(app):
    """What a person at the terminal sees of the log."""
    [handler] = [one for one in logging.getLogger().handlers if getattr(one, "is_ours", False)]
    handler.setStream(stream := io.StringIO())
    return stream


def test_what_flask_refuses_is_a_problem_too(client):
    for path in ("/", "/nothing", "/users/", "/%00", "/%ff", "/" + "x" * 10_000, "/sync/runs/%00",
                 "/sync/runs/x"):  # fmt: skip
        _check(client.get(path), 404, "not_found")
    for method, path, allowed in [
        ("DELETE", "/users", {"GET", "HEAD", "POST", "PATCH", "OPTIONS"}),
        ("POST", f"/users/{NOBODY}", {"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"}),
        ("PUT", "/users/batch", {"POST", "OPTIONS"}),
        ("GET", "/sync/conflicts/resolve", {"POST", "OPTIONS"}),
        ("GET", "/webhook", {"POST", "OPTIONS"}),
        ("GET", "/api/v1/sync", {"POST", "OPTIONS"}),
    ]:
        answer = client.open(path, method=method)
        _check(answer, 405, "method_not_allowed")
        assert set(answer.headers["Allow"].split(", ")) == allowed
    _check(client.post("/users", data="name=Ann"), 415, "unsupported_media_type")
    large = client.post("/users", data=b" " * (1024 * 1024 + 1), content_type="application/json")
    _check(large, 413, "request_entity_too_large")
    assert client.head("/nothing").data == b""


def test_parameters_of_the_sync_that_make_no_sense_are_named(client):
    for path, name in [
        ("/sync/conflicts?status=x", "status"), ("/sync/conflicts?kind=x", "kind"), ("/sync/conflicts?field=%00", "field"),
        ("/sync/conflicts?record_id=%00", "record_id"), ("/sync/conflicts?colour=red", "colour"),
        ("/sync/conflicts?resource=planets", "resource"), ("/sync/runs?page=0", "page"), ("/sync/runs?cursor=x", "cursor"),
    ]:  # fmt: skip
        assert name in _check(client.get(path), 400, "invalid")["errors"]
    for body, name in [
        ({"direction": "up"}, "direction"), ({"direction": []}, "direction"), ({"resources": "users"}, "resources"),
        ({"resources": ["planets"]}, "resources"), ({"resources": [[]]}, "resources"), ({"colour": 1}, "colour"),
    ]:  # fmt: skip
        assert name in _check(client.post("/sync", json=body), 400, "invalid")["errors"]
    assert client.get("/sync/runs").json["data"] == []


def test_a_bug_is_a_500_that_tells_nothing(app, client, monkeypatch, console):
    def broken(*_):
        raise RuntimeError(f"secret of {PERSON['email']}")

    monkeypatch.setattr(records, "get", broken)
    app.config["PROPAGATE_EXCEPTIONS"] = False

    answer = client.get("/users/0190a1b2-0000-7000-8000-000000000000")

    body = _check(answer, 500, "internal_server_error")
    assert "secret" not in answer.get_data(as_text=True)
    assert body["request_id"] in console.getvalue()


def test_a_request_id_is_carried_on_and_a_nasty_one_is_replaced(client, crm, another):
    answer = client.post("/users", json=another(), headers={"X-Request-Id": "abc-123"})

    assert answer.headers["X-Request-Id"] == "abc-123"
    assert crm.calls("POST")[-1].headers["X-Request-Id"] == "abc-123"
    assert client.get("/nothing", headers={"X-Request-Id": "x" * 129}).json["request_id"] != "x" * 129


# ── a database that cannot ───────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _someone_writes(path):
    """Hold the write lock of a SQLite file, as another program would that knows nothing of our own lock."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@contextmanager
def _someone_has_a_turn(path):
    """Hold the lock that the writers of this service take."""
    with Path(f"{path}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@pytest.fixture
def impatient(monkeypatch, app):
    monkeypatch.setattr(database, "LOCK_TIMEOUT", 0.1)
    db.engine.dispose()  # connections are made anew, with this patience


sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@sqlite_only
@pytest.mark.parametrize("held_by", [_someone_writes, _someone_has_a_turn])
def test_a_locked_database_is_a_503_that_passes_while_reading_goes_on(client, crm, user, another, impatient, held_by):
    one = f"/users/{user['id']}"
    with held_by(db.engine.url.database):
        for answer in (
            client.post("/users", json=another()),
            client.patch(one, json={"name": "B"}),
            client.delete(one),
            client.post("/webhook", json={"crm_id": user["crm_id"], "updated_fields": {"name": "B"},
                                          "timestamp": "2030-01-01T00:00:00Z", "version": 2}),
            client.post("/sync"),
        ):  # fmt: skip
            _check(answer, 503, "not_now")
            assert int(answer.headers["Retry-After"]) >= 1
        assert client.get(one).json == user
        assert client.get("/users").json["data"] == [user]
        assert client.get("/readyz").status_code == 200

    assert client.patch(one, json={"name": "B"}).json["sync_status"] == "synced"
    assert len(crm.all()) == 1


@sqlite_only
def test_what_is_stored_is_answered_even_if_the_push_cannot_be_noted(client, crm, clock, worker, another, impatient):
    held = []

    def lock_it(_request):
        if not held:
            lock = _someone_writes(db.engine.url.database)
            lock.__enter__()
            held.append(lock)

    crm.line.after = lock_it
    answer = client.post("/users", json=another())
    held[0].__exit__(None, None, None)

    assert (answer.status_code, answer.json["sync_status"]) == (201, "pending")
    clock.pass_(minutes=5)
    worker.drain()
    assert client.get(f"/users/{answer.json['id']}").json["sync_status"] == "synced"
    assert len(crm.all()) == 1


def test_no_free_connection_is_a_503(client, monkeypatch):
    def busy(*_, **__):
        raise NoConnection("QueuePool limit")

    monkeypatch.setattr(status, "status", busy)

    answer = client.get("/sync/status")

    _check(answer, 503, "not_now")
    assert answer.headers["Retry-After"]


# ── logs ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_whole_life_leaves_no_personal_data_and_no_secret_in_the_log(
    client, crm, worker, clock, webhook, another, caplog, console
):
    caplog.set_level(logging.DEBUG)
    user = client.post("/users", json=PERSON).json
    url = f"/users/{user['id']}"
    client.post("/users", json=PERSON)
    client.get("/users", query_string={"email": PERSON["email"], "q": PERSON["name"]})
    client.patch(url, json={"phone": "555-867-5310", "email": "bad", "name": "Wilhelmina \n Quux"})
    client.patch(url, json={"name": "Wilhelmina Quux-Baz"})
    webhook(user["crm_id"], {"email": "wilhelmina.baz@example.com"}, version=3)
    webhook(user["crm_id"], {"phone": "call Wilhelmina"}, version=4)
    crm.edit(user["crm_id"], phone="555-867-0000")
    client.patch(url, json={"phone": "555-867-1111"})
    client.post("/sync")
    other = client.post("/users", json=another()).json
    webhook(other["crm_id"], {"email": client.get(url).json["email"]}, version=2)
    refusal = {"error": "invalid", "message": f"{PERSON['email']} or {PERSON['phone']} is no good"}
    crm.fault("status", status=422, body=refusal)
    client.patch(url, json={"phone": "555-867-2222"})
    crm.fault("status", status=500, count=4, body=refusal)
    client.patch(url, json={"phone": "555-867-3333"})
    clock.pass_(days=2)
    worker.drain()
    client.delete(url)

    logged = (caplog.text + "".join(str(one.msg) for one in caplog.records) + console.getvalue()).lower()

    assert user["id"] in logged
    for word in ("quux", "wilhelmina", "-867-", "@example.com", "whsec_", "demo-secret", "demo-client", "bearer "):
        assert word not in logged, [line for line in logged.splitlines() if word in line][:3]


def test_an_email_in_a_path_is_not_logged(client, caplog):
    client.get(f"/users/{PERSON['email']}")

    assert PERSON["email"] not in "".join(str(one.msg) for one in caplog.records)


def test_a_path_cannot_forge_a_line_of_the_log(client, console):
    client.get("/users/x%0a2026-01-01T00:00:00Z [info] forged")
    client.get("/users")

    assert not [line for line in console.getvalue().splitlines() if line.startswith("2026-01-01T00:00:00Z")]
