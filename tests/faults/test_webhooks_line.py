"""Who waits in a line that does not move, and who is sent away: over one connection after another, as clients do."""

import http.client
import json
import time
from contextlib import ExitStack

import pytest
import requests

from tests.support import faults_own_stack as hurt
from tests.support.deliveries import REAL, headers
from tests.support.stack import until
from tests.support.webhooks import delivery

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
THREADS = 16
TOO_LONG = 1.5
"""Seconds: more than a delivery waits."""
SECRET = "a-secret-for-this-test"
UNCHANGED = 'crm_sync_webhooks_total{outcome="unchanged",resource="users"} 1.0'


def told(user, identity):
    raw = delivery(user["crm_id"], {"phone": "222-222-2222"}, REAL, version=2)
    return raw, headers(REAL, raw, identity, secret=SECRET)


def requested(stack, user):
    """Return a delivery as bytes, to be followed by another request of the same connection."""
    raw, more = told(user, "msg_line")
    lines = ["POST /webhook HTTP/1.1", f"Host: 127.0.0.1:{stack.port}", f"Content-Length: {len(raw)}"]
    return "\r\n".join([*lines, *(f"{name}: {value}" for name, value in more.items()), "", ""]).encode() + raw


def metrics(stack):
    return requests.get(f"{stack.api}/metrics", timeout=5).text


def answers_of(line, count):
    """Read the answers that follow each other on one connection."""
    with line.makefile("rb") as file:
        return [answer_of(file) for _ in range(count)]


def answer_of(file):
    status = int(file.readline().split()[1])
    given = http.client.parse_headers(file)
    return status, given, json.loads(file.read(int(given["Content-Length"])))


@hurt.ON_SQLITE
def test_a_delivery_that_waited_too_long_is_sent_away_and_a_person_is_served(stack):
    stack.start_all()
    user = stack.create().json()
    until(lambda: UNCHANGED in metrics(stack), what="the CRM's own delivery, which would take a thread of the busy")
    with ExitStack() as held:
        person, crm, *busy = [held.enter_context(hurt.connected(stack)) for _ in range(THREADS + 2)]
        with hurt.no_commits(stack):
            for line in busy:
                line.sendall(requested(stack, user))
            time.sleep(TOO_LONG)  # so that they have all threads, and are no longer in the line
            crm.sendall(requested(stack, user) + b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\n\r\n")
            person.sendall(f"GET /users/{user['id']} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            time.sleep(TOO_LONG)
        (status, given, problem), following = answers_of(crm, 2)
        assert (status, given["Retry-After"], problem["code"]) == (503, "1", "not_now")
        assert given["Content-Type"] == "application/problem+json"
        assert problem["request_id"] == given["X-Request-Id"] != ""
        assert (following[0], following[1]["X-Request-Id"]) == (200, "mine")
        assert answers_of(person, 1)[0][0] == 200
        assert {answers_of(line, 1)[0][0] for line in busy} == {200}

        crm.sendall(requested(stack, user))
        assert answers_of(crm, 1)[0][2]["outcome"] == "duplicate"
    assert 'crm_sync_webhooks_total{outcome="refused",resource=""} 1.0' in metrics(stack)


@hurt.ON_SQLITE
def test_clients_that_do_not_close_hold_up_nobody(stack):
    stack.start_all()
    with ExitStack() as held:
        lines = [held.enter_context(hurt.connected(stack)) for _ in range(20)]
        for place, line in enumerate(lines):
            line.sendall(
                b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" if place % 2 else b"x y\r\n\r\n"
            )
        began = time.monotonic()
        assert requests.get(f"{stack.api}/healthz", timeout=60).ok
        took = time.monotonic() - began
        for place, line in enumerate(lines):
            assert b" 200 " in hurt.all_of(line) if place % 2 else b" 400 " in hurt.all_of(line)
    hurt.note(f"twenty that do not close: an answer took {took:.2f} s")
    assert took < 10
