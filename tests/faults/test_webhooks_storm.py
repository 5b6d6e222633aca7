"""A storm of deliveries against real processes: each is answered soon, and nothing acknowledged is lost."""

import json
import sqlite3
from contextlib import closing

import pytest

from app.core.kinds import format_time
from tests.support.deliveries import REAL, headers
from tests.support.faults_crm import tell
from tests.support.settings import SECRET
from tests.support.stack import Stack
from tests.support.storm import blow
from tests.support.well import assert_well, log_lines

A_SECOND, SECONDS, USERS = 1000, 2, 50
LONGEST = 6.0
"""Seconds for an answer: one in the line, and what a machine with other work adds. In turn it would be half a minute."""
AGAIN = 40
"""How many a second are sent again: a pace that is no storm."""
pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def stack(tmp_path, database_url):
    made = Stack(tmp_path, database_url, WEBHOOK_SECRET=SECRET)
    made.start_all()
    yield made
    made.stop()


def phone(version):
    return f"222-{version:03d}-0000"


def edit_silently(stack, users, version):
    """Let the CRM have edited each of them many times; its deliveries of that are ours to send."""
    with closing(sqlite3.connect(stack.log.parent / "mock.db")) as rows:
        for place, user in enumerate(users):
            fields = json.dumps({"name": user["name"], "email": user["email"], "phone": phone(version)})
            values = (version, 100_000 + place, fields, int(user["crm_id"].removeprefix("CRM")))
            rows.execute("UPDATE records SET version = ?, seq = ?, fields = ? WHERE number = ?", values)
        rows.commit()


def told(user, version):
    body = {"crm_id": user["crm_id"], "updated_fields": {"phone": phone(version)}, "version": version}
    raw = json.dumps(body | {"timestamp": format_time(REAL.now())}).encode()
    return headers(REAL, raw, f"msg_{user['id']}_{version}"), raw


def figures(answers):
    taken = sorted(one.seconds for one in answers)
    if not taken:
        return "none"
    return f"{len(taken)}, half within {taken[len(taken) // 2]:.2f} s, all within {taken[-1]:.2f} s"


def test_a_storm_is_answered_and_nothing_acknowledged_is_lost(stack, capsys):
    users = [stack.create(f"person{number}@example.com").json() for number in range(USERS)]
    last = A_SECOND * SECONDS // USERS + 1
    edit_silently(stack, users, last)
    said = [(place, version) for version in range(2, last + 1) for place in range(USERS)]
    calls = [told(users[place], version) for place, version in said]

    answers = blow(f"{stack.api}/webhook", calls, A_SECOND)

    refused = [one for one in answers if one.status == 503]
    taken = figures([one for one in answers if one.status == 200])
    tell(capsys, f"{len(answers)} deliveries, {A_SECOND} a second: taken {taken}; to come again {figures(refused)}")
    assert {one.status for one in answers} <= {200, 503}
    assert {one.retry_after for one in refused} <= {"1"}
    assert max(one.seconds for one in answers) < LONGEST
    assert noticed(stack) == bool(refused)
    for place, user in enumerate(users):
        acknowledged = [v for (p, v), one in zip(said, answers, strict=True) if p == place and one.status == 200]
        assert stack.user(user["id"])["phone"] == (phone(max(acknowledged)) if acknowledged else user["phone"])

    send_again(stack, [call for call, one in zip(calls, answers, strict=True) if one.status == 503])
    assert {stack.user(user["id"])["phone"] for user in users} == {phone(last)}
    assert_well(stack, kept=users)


def noticed(stack):
    """How often a person on call is told."""
    return len([one for one in log_lines(stack) if one["event"] == "webhooks_refused"])


def send_again(stack, calls):
    """Send them as their sender would, until each is taken."""
    for _ in range(10):
        answers = blow(f"{stack.api}/webhook", calls, AGAIN)
        calls = [call for call, one in zip(calls, answers, strict=True) if one.status != 200]
        if not calls:
            return
    raise AssertionError(f"{len(calls)} are still refused")
