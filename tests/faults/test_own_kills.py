"""kill -9 between real processes, at the worst moments: nothing acknowledged is lost, nothing is there by halves."""

import itertools
import json
import threading
import time

import pytest
import requests

from mock_crm import signature
from tests.support import faults_own_stack as hurt
from tests.support.faults_own_checks import in_crm, ready, rows, well, whole
from tests.support.stack import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.mark.long
def test_killed_five_times_while_it_takes_records_it_loses_none_and_doubles_none(stack):
    stack.start_all()
    acknowledged, numbers = [], itertools.count(1)

    def post_until_heard(_thread):
        number = next(numbers)
        headers = {"Idempotency-Key": f"key-{number}"} | (hurt.ASYNC if number % 2 else {})
        user = until(lambda: posted(stack, f"user{number}@example.com", headers), what="an answer")
        acknowledged.append(user)

    with hurt.in_background(post_until_heard, count=3):
        for name in ("web", "worker", "web", "worker", "web"):
            seen = len(acknowledged)
            until(lambda seen=seen: len(acknowledged) > seen + 10, what="ten more users")
            stack.kill(name)
            whole(stack)
            stack.start(name)
        ready(stack)
    hurt.leases_end(stack)

    well(stack, acknowledged)
    assert len(rows(stack, "SELECT id FROM users")) == len(acknowledged) == len({one["id"] for one in acknowledged})


def posted(stack, email, headers):
    """Post a user; None when the connection broke, so that the caller asks again with the same key."""
    answer = stack.create(email, **headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.mark.long
@pytest.mark.parametrize("lease", ["set back", "a real minute"])
def test_a_worker_killed_while_the_crm_answers_pushes_again_and_the_crm_holds_one(stack, lease):
    stack.start_all()
    hurt.fault(stack, "drip", seconds=60, method="POST")
    user = stack.create(**hurt.ASYNC).json()
    until(lambda: in_crm(stack), what="the CRM's record")

    stack.kill("worker")
    hurt.heal(stack)

    assert stack.user(user["id"])["sync_status"] == "pending"
    over_to_the_next_worker(stack, lease, [user])


@hurt.QUICK_ON_SQLITE
@pytest.mark.parametrize("lease", ["set back", pytest.param("a real minute", marks=pytest.mark.long)])
def test_a_worker_killed_between_the_crms_201_and_its_own_commit_pushes_again(stack, lease):
    stack.start_all()
    hurt.fault(stack, "drip", seconds=60, method="POST")
    user = stack.create(**hurt.ASYNC).json()
    until(lambda: in_crm(stack), what="the CRM's record")

    with hurt.no_commits(stack):
        hurt.heal(stack)
        time.sleep(1.0)  # the answer arrives; that the worker stands before its commit cannot be seen from outside
        stack.kill("worker")

    assert stack.user(user["id"])["sync_status"] == "pending"
    over_to_the_next_worker(stack, lease, [user])


def over_to_the_next_worker(stack, lease, users):
    began = time.monotonic()
    stack.start("worker")
    if lease == "set back":
        hurt.leases_end(stack)
    well(stack, users, seconds=120)
    hurt.note(f"pushed again after {time.monotonic() - began:.1f} s")
    assert [one["version"] for one in in_crm(stack)] == [1]


@pytest.mark.long
def test_a_worker_that_dies_holding_many_leases_leaves_them_to_another(stack, tmp_path):
    stack.start_all()
    stack.kill("worker")
    hurt.in_outbox(stack, 250, tmp_path)
    hurt.fault(stack, "hang", seconds=60)
    stack.start("worker")
    until(lambda: rows(stack, "SELECT 1 FROM outbox WHERE lease IS NOT NULL"), what="the claim")
    stack.kill("worker")
    hurt.heal(stack)

    stack.start("worker")
    held = len(rows(stack, "SELECT 1 FROM outbox WHERE lease IS NOT NULL"))
    until(lambda: len(rows(stack, "SELECT 1 FROM outbox")) <= held, what="the push of what nobody holds")
    hurt.leases_end(stack)

    well(stack)
    assert {one["version"] for one in in_crm(stack)} == {1}
    assert len(in_crm(stack)) == 250


@pytest.mark.long
def test_two_workers_at_once_do_the_work_once(stack, tmp_path):
    stack.start_all()
    stack.kill("worker")
    hurt.in_outbox(stack, 600, tmp_path)
    stack.environ["SYNC_INTERVAL"] = "0.02"
    hurt.another(stack, "worker2", "worker")

    stack.start("worker")
    stack.start("worker2")

    well(stack)
    assert {one["version"] for one in in_crm(stack)} == {1}
    assert rows(stack, "SELECT count(*), count(DISTINCT record_id) FROM crm_changes") == [(600, 600)]
    done = "SELECT count(*) FROM runs WHERE status = 'succeeded' AND asked_by = 'schedule'"
    until(lambda: rows(stack, done)[0][0] >= 6, what="six pulls")
    assert rows(stack, "SELECT id FROM runs WHERE status = 'failed'") == []
    assert [stack.running[name].poll() for name in ("worker", "worker2")] == [None, None]


@hurt.QUICK_ON_SQLITE
def test_a_webhook_committed_but_never_answered_is_a_duplicate_when_it_comes_again(stack, tmp_path):
    stack.start_all()
    user = stack.create().json()
    body = {"crm_id": user["crm_id"], "updated_fields": {"phone": "987-654-3210"}, "timestamp": "2026-01-01T00:00:00Z",
            "version": 2}  # fmt: skip
    answers = []

    # The log has one writer at a time, and a webhook is logged when it is committed: there it is held up and killed.
    with hurt.flocked(tmp_path / ".__app.lock"):
        sender = threading.Thread(target=lambda: answers.append(delivered(stack, body)))
        sender.start()
        until(lambda: rows(stack, "SELECT 1 FROM inbox WHERE id = 'msg_1' AND state = 'settled'"), what="the commit")
        stack.kill("web")
        sender.join(30)
    assert answers == [None]
    version = rows(stack, "SELECT version FROM users")
    stack.start("web")
    ready(stack)

    again = delivered(stack, body)

    assert (again.status_code, again.json()["outcome"]) == (200, "duplicate")
    assert rows(stack, "SELECT version FROM users") == version == [(2,)]
    assert stack.user(user["id"])["phone"] == "987-654-3210"
    stack.edit_there(user["crm_id"], phone="987-654-3210")
    well(stack, [user | {"phone": "987-654-3210"}])


def delivered(stack, body):
    """Post a signed webhook; None when there was no answer."""
    raw = json.dumps(body).encode()
    headers = signature.headers(stack.environ["WEBHOOK_SECRET"], "msg_1", time.time(), raw)
    headers["Content-Type"] = "application/json"
    try:
        return requests.post(f"{stack.api}/webhook", data=raw, headers=headers, timeout=20)
    except requests.ConnectionError:
        return None
