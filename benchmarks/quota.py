"""A push under a limit of 600 calls a minute: how much of it is used, and that it is never overstepped.

Two services at once, each with a CRM of its own: a run that is told the limit (CRM_RATE_LIMIT), and a worker that
only hears what the answers say of it. The CRM takes no batches, so that there is a call for every record.
"""

import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks import canned, databases, service
from benchmarks.bench import Bench, Row
from benchmarks.canned import Canned, Habits

LIMIT = 600
WINDOW = 60.0
FIRST_SECONDS = 3.0
"""In which the push finds its pace; what is used is measured after them."""
MEASURED = 50.0
NEXT_WINDOW = 65.0
"""Seconds after which a push that has not gone on is not waited for any more."""
RECORDS = 900


def measure(_rounds: int, _peers: bool) -> list[Row]:
    with ExitStack() as stack:
        template = stack.enter_context(databases.sqlite_template())
        told = _pushing(stack, template, LIMIT, "run", direction="push")
        hears = _pushing(stack, template, 0, "work")
        begun = _first_call(told)
        _wait_until(begun + FIRST_SECONDS)
        before, since = told.stats()["total"], time.time()
        _wait_until(since + MEASURED)
        used = (told.stats()["total"] - before) / (time.time() - since) * WINDOW
        again = _second_window(hears)
        refused = [float(one.stats()["refused"]) for one in (told, hears)]
    return [
        Row(f"calls a minute by CRM_RATE_LIMIT, to a limit of {LIMIT}", "calls", [used], [LIMIT], "more", 0.97),
        Row("429s of it", "calls", [refused[0]], [1.0], "less", 0),
        Row(f"calls a minute by the CRM's headers, to a limit of {LIMIT}", "calls", [again], [LIMIT], "more", 0.97),
        Row("429s of it", "calls", [refused[1]], [1.0], "less", 0),
    ]


def _pushing(stack: ExitStack, template: Path, limit: int, what: str, **how: str) -> Canned:
    """Start a service with records that are owed, and let it push them."""
    crm = stack.enter_context(canned.serving(Habits(batches=False, limit=LIMIT)))
    database = stack.enter_context(databases.sqlite(template))
    ours = stack.enter_context(service.ready(database, crm.url, CRM_RATE_LIMIT=limit))
    ours.do("make", count=RECORDS)
    ours.begin(what, **how)
    return crm


def _first_call(crm: Canned) -> float:
    while (first := crm.stats()["first_at"]) is None:
        time.sleep(0.05)
    return float(str(first))


def _second_window(crm: Canned) -> float:
    """Return the calls a minute of a push that spends each window at once: a window's, over the time to the next."""
    begun, calls = _first_call(crm), 0
    while calls <= LIMIT and time.time() < begun + NEXT_WINDOW:
        time.sleep(0.05)
        calls = crm.stats()["total"]
    return min(calls, LIMIT) / (time.time() - begun) * WINDOW


def _wait_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


BENCH = Bench("quota", "Push under a limit of 600 calls a minute", measure, rounds=1)
