"""Clocks that jump while the service runs: no storm of calls, no stall, and versions decide."""

import time
from datetime import datetime, timedelta

import pytest
import requests

from tests.support import faults_own_stack as hurt
from tests.support.faults_own_checks import rows, well
from tests.support.faults_own_clock import JumpingClock
from tests.support.stack import until

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(300)]
JUMPS = {
    "an hour forward": ["+1h"],
    "an hour back": ["-1h"],
    "a day forward and back": ["+1d", "+0"],
    "a day back and forward": ["-1d", "+0"],
}
INTERVAL = 3.0


@pytest.fixture
def jumping(stack, tmp_path):
    clock = JumpingClock(stack, tmp_path)
    stack.environ["SYNC_INTERVAL"] = str(INTERVAL / 60)
    stack.start_all()
    return clock


def test_the_clock_of_the_service_really_jumps(stack, jumping):
    jumping.jump("+1d")
    ahead = now_of(stack) - datetime.now().astimezone()
    assert timedelta(hours=23) < ahead < timedelta(hours=25)


def now_of(stack):
    return datetime.fromisoformat(requests.get(f"{stack.api}/sync/status", timeout=10).json()["at"])


@pytest.mark.parametrize("jumps", JUMPS.values(), ids=JUMPS)
def test_a_jump_of_the_clock_is_no_storm_and_no_stall(stack, jumping, jumps):
    both = stack.create("both@example.com").json()
    waiting = stack.create("waiting@example.com").json()
    hurt.fault(stack, "status", status=503, count=None, method="PATCH")
    for name in ("Bob", "Cid"):  # something waits for its next try, on the clock that is about to jump
        requests.patch(f"{stack.api}/users/{waiting['id']}", json={"name": name}, timeout=30)
    before, began = sum(hurt.calls(stack).values()), time.monotonic()

    for jump in jumps:
        jumping.jump(jump)
        time.sleep(2 * INTERVAL)

    took, made = time.monotonic() - began, sum(hurt.calls(stack).values()) - before
    hurt.note(f"{made} calls in {took:.0f} s")
    assert made < 10 + 6 * took
    hurt.heal(stack)
    until(lambda: stack.user(waiting["id"])["sync_status"] == "synced", seconds=60, what="what waited")
    edited_on_both_sides(stack, both)
    pulls = "SELECT count(*) FROM runs WHERE status = 'succeeded'"
    done = rows(stack, pulls)[0][0]
    until(lambda: rows(stack, pulls)[0][0] > done, seconds=60, what="a pull")
    well(stack, [stack.user(both["id"])])


def edited_on_both_sides(stack, user):
    """Each edit is newer than the one before by the CRM's versions, whatever any clock says."""
    for number in range(3):
        stack.edit_there(user["crm_id"], phone=f"555-010-000{number}")
        phone = f"555-010-000{number}"
        until(lambda phone=phone: stack.user(user["id"])["phone"] == phone, seconds=60, what="the CRM's edit")
        url = f"{stack.api}/users/{user['id']}"
        answer = requests.patch(url, json={"name": f"Name {number}"}, timeout=30)
        assert answer.status_code == 200
        until(lambda: stack.user(user["id"])["sync_status"] == "synced", seconds=60, what="our edit")
        shown = stack.user(user["id"])
        assert (shown["name"], shown["phone"]) == (f"Name {number}", phone)
