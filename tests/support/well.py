"""What must hold after every fault, once it is healed: the list K1 to K8, asked over HTTP and read from the files."""

import json
import sqlite3
from contextlib import closing

import requests

from tests.support.faults_crm import heal, status
from tests.support.stack import STAFF, until
from tests.support.users import FIELDS

SECRETS = ("demo-secret", "demo-api-key", "demo-password", "Bearer ", "eyJ")
"""What gives access, and how each token begins."""
SHORT = 5
"""Values shorter than this stand in any log by chance."""


def assert_well(stack, *, kept=(), alike=True, seconds=60, also_secret=(), busy=False):
    """Heal the CRM, wait until nothing is owed, and check everything that a fault could have spoilt.

    `kept` are users that were acknowledged, and are still expected. `alike`: both sides hold the same values.
    `busy`: senders of webhooks may have been told to come again.
    """
    heal(stack)
    until(lambda: requests.get(f"{stack.api}/readyz", timeout=1).ok, seconds=5, what="being ready")
    until(lambda: is_settled(stack), seconds=seconds, what="settling")
    here = {one["id"]: one for one in everybody_here(stack)}
    there = everybody_there(stack)
    assert [one["id"] for one in kept if one["id"] not in here] == []
    assert sorted(one["crm_id"] for one in here.values()) == sorted(one["crm_id"] for one in there)
    named = [one["external_id"] for one in there if one["external_id"] is not None]
    assert len(named) == len(set(named))
    assert {one["sync_status"] for one in here.values()} <= {"synced"}
    if alike:
        assert _fields(here.values()) == _fields(there)
        compared = requests.post(f"{stack.api}/sync/verify", timeout=60).json()
        assert compared["differences"] == [], compared
    assert_integrity(stack)
    assert_problems(stack)
    assert_clean_logs(stack, [*here.values(), *there], also_secret, busy=busy)


def is_settled(stack):
    """Tell whether nobody has anything to say any more, and the CRM is trusted again."""
    stack.hurry()
    found = status(stack)
    waiting = requests.get(f"{stack.crm}/crm/_stats", timeout=5).json()["webhooks"]["waiting"]
    owed = sum(one["owed"] + one["parked"] for one in found["resources"].values())
    return found["crm"]["circuit"] == "closed" and not waiting and not owed


def everybody_here(stack):
    found, cursor = [], ""
    while cursor is not None:
        page = requests.get(f"{stack.api}/users?per_page=100{cursor}", timeout=30).json()
        found += page["data"]
        following = page["pagination"]["next_cursor"]
        cursor = f"&cursor={following}" if following else None
    return found


def everybody_there(stack):
    """Return the CRM's live records as its own feed ends up having them."""
    found, cursor, has_more = {}, "", True
    while has_more:
        url = f"{stack.crm}/crm/users?updated_since={cursor}&limit=1000"
        page = requests.get(url, headers=STAFF, timeout=30).json()
        found |= {one["crm_id"]: one for one in page["items"]}
        cursor, has_more = page["next_cursor"], page["has_more"]
    return [one for one in found.values() if not one["deleted"]]


def _fields(records):
    return {one["crm_id"]: {name: one[name] for name in FIELDS} for one in records}


def assert_integrity(stack):
    """A SQLite file is whole; PostgreSQL has no such question."""
    url = stack.environ["DATABASE_URL"]
    if url.startswith("sqlite"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def assert_problems(stack):
    """Errors still come as problem+json, and name the request."""
    for answer, expected in (
        (requests.get(f"{stack.api}/users/0190a6e0-0000-7000-8000-000000000000", timeout=5), 404),
        (requests.post(f"{stack.api}/users", json={"name": 5}, timeout=5), 400),
    ):
        assert_problem(answer, expected)


def assert_problem(answer, expected):
    assert (answer.status_code, answer.headers["Content-Type"]) == (expected, "application/problem+json"), answer.text
    assert answer.json()["request_id"] == answer.headers["X-Request-Id"]


def log_lines(stack):
    """Return what web and worker have written."""
    return [json.loads(line) for line in (stack.log.parent / "app.log").read_text().splitlines()]


def assert_clean_logs(stack, records, also_secret=(), *, busy=False):
    """No answer was a 5xx, no step fell over, and nobody's values or secrets were written down."""
    lines = log_lines(stack)
    failed = [one for one in lines if one["event"] == "request" and one["status"] >= 500]
    assert [one for one in failed if not (busy and one["status"] == 503 and one["route"] == "/webhook")] == []
    assert [one for one in lines if "exception" in one] == []
    values = {one[name] for one in records for name in FIELDS if one[name] is not None and len(one[name]) >= SHORT}
    own = {stack.environ["WEBHOOK_SECRET"], stack.environ["SECRET_KEY"]}
    written = "".join(file.read_text() for file in stack.log.parent.glob("*.log*"))
    assert [one for one in {*values, *own, *SECRETS, *also_secret} if one in written] == []
