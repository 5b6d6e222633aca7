"""When to try again: pure, from how often it was tried and for how long."""

from datetime import datetime, timedelta
from random import Random

FIRST = 5.0
LONGEST = 15 * 60.0
REDRIVE = timedelta(hours=1)
"""How often a record that was given up is tried all the same."""
LONGEST_ASKED = 3600.0
"""The longest pause that a CRM is granted, in seconds; then it is asked whether it still holds."""
PARKED_FIRST = 1.0
PARKED_FOR = timedelta(hours=24)
"""How long a delivery waits for its record, in a CRM that answers, before it is dropped."""
UNANSWERED_FOR = timedelta(days=7)
"""The same in a CRM that does not answer."""
PARKED_TRIES = 20
"""How often it is looked up at least in that time: a clock that was set ahead has not let the time go by."""
LEASE = timedelta(seconds=60)
"""How long a worker may be at one push before another takes over; above the longest push."""


def pause(rounds: int, random: Random, retry_after: float | None = None) -> timedelta:
    """Return how long to wait after `rounds` pushes without an outcome: doubling, spread, at most 15 minutes.

    What the CRM asked for is a lower bound, up to an hour; `retry_after` is in seconds.
    """
    cap = min(LONGEST, FIRST * 2.0 ** min(rounds, 20))
    return timedelta(seconds=max(random.uniform(cap / 2, cap), min(retry_after or 0.0, LONGEST_ASKED)))


def parked_pause(attempts: int, random: Random) -> timedelta:
    """Return how long a parked delivery waits for its next look-up."""
    cap = min(LONGEST, PARKED_FIRST * 2.0 ** min(attempts, 20))
    return timedelta(seconds=random.uniform(cap / 2, cap))


def is_spent(owed_since: datetime, now: datetime, give_up_after: timedelta) -> bool:
    """Tell whether a record has been tried for long enough that a person should know."""
    return now - owed_since >= give_up_after
