"""A thousand edits while three calls of ten fail in random ways: in step, one CRM record each, few calls a change."""

import random
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.faults_crm import calls, fault, forget_calls, patch, status, tell
from tests.support.stack import Stack, until
from tests.support.well import assert_well, is_settled

EDITS, USERS, CLIENTS = 1000, 40, 4
WAYS = (
    {"mode": "status", "status": 500},
    {"mode": "status", "status": 502, "write": True},
    {"mode": "status", "status": 503},
    {"mode": "cut_before"},
    {"mode": "cut_after"},
    {"mode": "truncated"},
    {"mode": "bad_json"},
    {"mode": "html"},
    {"mode": "expired_token"},
)
SHARE = 0.3
MOST_CALLS = 3.0
pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.timeout(900)]


def let_fail(stack):
    """Let so many calls fail, each in one of the ways; the first that fits is played, so each is a little rarer."""
    each = 1 - (1 - SHARE) ** (1 / len(WAYS))
    for way in WAYS:
        fault(stack, count=None, chance=each, **way)


def edit_all(stack, users):
    """Make the edits as a few callers at once do, each with users of its own; return the answers' statuses."""

    def edit(mine):
        chance = random.Random(mine)
        statuses = set()
        for number in range(EDITS // CLIENTS):
            user = chance.choice(users[mine::CLIENTS])
            field = chance.choice(["name", "phone"])
            value = f"Person {mine}.{number}" if field == "name" else f"{200 + mine}-{200 + number}-{1000 + number}"
            statuses.add(patch(stack, user, **{field: value}).status_code)
        return statuses

    with ThreadPoolExecutor(CLIENTS) as pool:
        return set.union(*pool.map(edit, range(CLIENTS)))


@pytest.mark.parametrize("faulty", [False, True], ids=["all well", "30 % fail"])
def test_a_thousand_edits_end_in_step_at_few_calls_a_change(tmp_path, database_url, faulty, capsys):
    stack = Stack(tmp_path, database_url, CRM_TIMEOUT="5")
    try:
        stack.start_all()
        users = [stack.create(f"person{number}@example.com").json() for number in range(USERS)]
        until(lambda: is_settled(stack) and status(stack)["resources"]["users"]["last_pull"], what="the first pull")
        forget_calls(stack)
        if faulty:
            let_fail(stack)

        statuses = edit_all(stack, users)
        until(lambda: status(stack)["resources"]["users"]["owed"] == 0, seconds=300, what="the drain")

        made = calls(stack)
        tell(capsys, f"{made / EDITS:.2f} CRM calls a change, {'30 % of them failing' if faulty else 'none failing'}")
        assert statuses == {200}
        assert made <= (MOST_CALLS if faulty else 1.02) * EDITS
        assert_well(stack, kept=users)
    finally:
        stack.stop()
