"""What must hold after a fault, whatever it was: the list at the top of the fault catalogue, over HTTP and by SQL."""

import json

import requests
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.support.stack import STAFF, until

FIELDS = ("name", "email", "phone")
PRIVATE = ("example.com", "Ann Example", "123-456-7890", "demo-secret", "demo-api-key", "a-secret-for-this-test")
"""What no log may hold: the tests of the faults use no other domain, and these are the secrets of a stack."""
HALVES = {
    "a record without a journal": "SELECT id FROM users WHERE id NOT IN (SELECT record_id FROM journal)",
    "a journal without its record": "SELECT record_id FROM journal WHERE record_id NOT IN (SELECT id FROM users)",
    "an outbox entry without its record": "SELECT record_id FROM outbox WHERE record_id NOT IN (SELECT id FROM users)",
    "pending, and nothing owed": "SELECT id FROM users WHERE sync_status = 'pending' AND id NOT IN (SELECT record_id FROM outbox)",
    "synced, and never heard": "SELECT id FROM users WHERE sync_status = 'synced' AND deleted_at IS NULL AND id NOT IN (SELECT record_id FROM crm_copies)",
}


def well(stack, acknowledged=(), seconds=90, ready_within=30):
    """Check all of the list. `acknowledged` are users as they were last answered; the CRM must be healed."""
    ready(stack, ready_within)
    whole(stack)
    drained(stack, seconds)
    kept(stack, acknowledged)
    in_step(stack)
    whole(stack)
    discreet(stack)


def rows(stack, query, **values):
    """Read the database of a stack, as nobody else sees it."""
    engine = create_engine(stack.environ["DATABASE_URL"], poolclass=NullPool)
    with engine.connect() as connection:
        return list(connection.execute(text(query), values))


def ready(stack, seconds=30):
    until(lambda: requests.get(f"{stack.api}/readyz", timeout=5).ok, seconds=seconds, what="ready")


def whole(stack):
    """The file is sound, and no record is stored by halves."""
    if stack.environ["DATABASE_URL"].startswith("sqlite"):
        assert rows(stack, "PRAGMA integrity_check") == [("ok",)]
    for what, query in HALVES.items():
        assert rows(stack, query) == [], what


def drained(stack, seconds=90):
    """The CRM has heard everything that it can hear."""

    def is_empty():
        one = requests.get(f"{stack.api}/sync/status", timeout=10).json()["resources"]["users"]
        return one["owed"] == 0 and one["parked"] == 0

    until(is_empty, seconds=seconds, what="the drain")


def kept(stack, acknowledged):
    """What was answered with a yes is there, as it was answered."""
    here = {row.id: row for row in rows(stack, "SELECT * FROM users WHERE deleted_at IS NULL")}
    for user in acknowledged:
        assert user["id"] in here
        assert [getattr(here[user["id"]], name) for name in FIELDS] == [user[name] for name in FIELDS]


def in_step(stack):
    """Both sides hold the same records, each of ours once."""
    here = rows(stack, "SELECT * FROM users WHERE deleted_at IS NULL")
    assert {row.sync_status for row in here} <= {"synced"}
    ours = sorted((row.id, row.crm_id, row.name, row.email, row.phone) for row in here)
    theirs = [(one["external_id"], one["crm_id"], *(one[name] for name in FIELDS)) for one in in_crm(stack)]
    assert sorted(theirs, key=str) == ours


def in_crm(stack):
    """Every live record of the CRM, a page at a time."""
    found, cursor, more = [], "", True
    while more:
        page = until(lambda cursor=cursor: _page(stack, cursor), seconds=90, what="a page of the CRM")
        found += page["items"]
        cursor, more = page["next_cursor"], page["has_more"]
    return [one for one in {one["crm_id"]: one for one in found}.values() if not one["deleted"]]


def _page(stack, cursor):
    query = {"updated_since": cursor, "limit": 1000}
    answer = requests.get(f"{stack.crm}/crm/users", params=query, headers=STAFF, timeout=10)
    return answer.json() if answer.ok else None  # its limit is for the tests as well


def discreet(stack):
    """No log holds a secret or what belongs to a person, and no request ended in an error that is a bug."""
    for log in stack.log.parent.glob("*.log*"):
        written = log.read_text(errors="replace")
        assert not [one for one in PRIVATE if one in written], log.name
        if log.name.startswith("app.log"):
            lines = [json.loads(line) for line in written.splitlines() if '"event": "request"' in line]
            broken = [line for line in lines if line["status"] >= 500 and line["status"] != 503]
            assert broken == []


def is_problem(answer, *statuses):
    """The answer is a refusal as the contract has it."""
    assert answer.status_code in statuses, (answer.status_code, answer.text[:500])
    assert answer.headers["Content-Type"].partition(";")[0] == "application/problem+json"
    body = answer.json()
    assert {"type", "title", "status", "detail", "code", "request_id", "error"} <= set(body)
    assert body["request_id"] == answer.headers["X-Request-Id"] != ""
    return body


def is_not_now(answer):
    """It was not stored, may be later, and the answer says when."""
    body = is_problem(answer, 503)
    assert int(answer.headers["Retry-After"]) >= 1
    return body
