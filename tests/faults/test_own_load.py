"""Too much at once: slow connections, and an outbox that filled up while the CRM was away."""

import time
from contextlib import ExitStack

import pytest
import requests

from tests.support import faults_own_stack as hurt
from tests.support.faults_own_checks import in_crm, rows, well
from tests.support.stack import until

pytestmark = [pytest.mark.slow]
CONNECTIONS = 200
HEAD = b"POST /users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n"
SLOW = {"say nothing": b"", "send half a head": HEAD, "send half a body": HEAD + b"\r\n{"}


@pytest.mark.timeout(300)
@hurt.ON_SQLITE
@pytest.mark.parametrize("what", [pytest.param(one, marks=[pytest.mark.long] * ("nothing" in one)) for one in SLOW])
def test_two_hundred_slow_connections_hold_up_nobody(stack, what):
    stack.start_all()
    user = stack.create().json()
    with ExitStack() as held:
        lines = [held.enter_context(hurt.connected(stack)) for _ in range(CONNECTIONS)]
        for line in lines:
            line.sendall(SLOW[what])
        took = []
        for turn in range(10):
            for line in lines[turn::10]:
                line.sendall(SLOW[what] and b"x")
            began = time.monotonic()
            assert requests.get(f"{stack.api}/users/{user['id']}", timeout=30).json() == user
            took.append(time.monotonic() - began)
            time.sleep(0.2)
        created = stack.create("meanwhile@example.com")
    hurt.note(f"{what}: the slowest answer took {max(took):.3f} s")

    assert created.status_code == 201
    assert sorted(took)[len(took) // 2] < 1
    assert max(took) < 5
    well(stack, [user, created.json()], ready_within=5)


@pytest.mark.long
@hurt.ON_SQLITE
@pytest.mark.parametrize(("count", "a_minute"), [(20_000, 0), (20_000, 100), (100_000, 0)])
@pytest.mark.timeout(1500)
def test_a_full_outbox_drains_at_the_crms_pace_and_new_work_is_not_starved(stack, tmp_path, count, a_minute):
    stack.environ["MOCK_CRM_RATE_LIMIT"] = str(a_minute)
    hurt.in_outbox(stack, count, tmp_path)
    assert rows(stack, "SELECT count(*) FROM outbox") == [(count,)]
    began = time.monotonic()
    stack.start_all()
    until(lambda: left(stack) < count, seconds=60, what="the drain began")

    waited, new = [], []
    while left(stack) > count // 10:
        asked = time.monotonic()
        user = stack.create(f"meanwhile{len(new)}@example.com").json()
        until(lambda user=user: stack.user(user["id"])["sync_status"] == "synced", seconds=90, what="new work")
        waited.append(time.monotonic() - asked)
        new.append(stack.user(user["id"]))
        time.sleep(1)
    until(lambda: left(stack) == 0, seconds=600, what="the drain")
    took = time.monotonic() - began
    said = hurt.calls(stack)
    hurt.note(
        f"{count} in {took:.0f} s with {sum(said.values())} calls; new work took up to {max(waited):.2f} s: {said}"
    )

    well(stack, new, seconds=120)
    assert len(in_crm(stack)) == count + len(new)
    assert said["POST users/batch"] <= 2 * count / 100
    if a_minute:
        refused = requests.get(f"{stack.crm}/crm/_stats", timeout=10).json()["by_status"].get("429", 0)
        assert refused <= 10, refused


def left(stack):
    return rows(stack, "SELECT count(*) FROM outbox")[0][0]
