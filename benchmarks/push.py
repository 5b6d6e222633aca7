"""A push of 5,000 new users in batches of 100, against a script that sends one after the other on one thread.

The CRM takes 5 ms for each call.
"""

import tempfile
from pathlib import Path

from benchmarks import canned, databases, people, plain, service
from benchmarks.bench import Bench, Row, played
from benchmarks.canned import Habits
from benchmarks.patience import paired_within
from benchmarks.service import Done

RECORDS = 5_000
ALONE = 250
"""How many are sent one by one: their time is counted as often as it takes to make up for all."""
SERVICE = 0.005
SECONDS = 50.0


def measure(rounds: int, _peers: bool) -> list[Row]:
    calls: list[float] = []
    with databases.sqlite_template() as template:
        floor, ours = paired_within(SECONDS, rounds, one_by_one, lambda: RECORDS / _ours(template, calls))
    what = f"{RECORDS:,} pushed in batches of 100, to one by one (of {ALONE}; {played(ours)})"
    return [
        Row(what, "records/s", ours, floor, "more", 85),
        Row("calls for 1,000 records", "calls", calls, [1.0] * len(calls), "less", 10),
    ]


def one_by_one() -> float:
    """Return how many records a second the script sends."""
    drafts = [people.fields(number) for number in range(1, ALONE + 1)]
    with canned.serving(Habits(service=SERVICE)) as crm, tempfile.TemporaryDirectory() as folder:
        return ALONE / plain.push_one_by_one(crm.url, Path(folder) / "floor.db", drafts)


def pushed(template: Path, habits: Habits, records: int) -> tuple[Done, int]:
    """Push new users from a fresh process; return how that went, and how many calls the CRM had."""
    with databases.sqlite(template) as database, canned.serving(habits) as crm:
        with service.ready(database, crm.url, CRM_CALLS_AT_ONCE=8) as ours:
            ours.do("make", count=records)
            done = ours.do("run", direction="push")
        assert (done.result["status"], done.result["pushed"]) == ("succeeded", records), done.result
        return done, crm.stats()["total"]


def _ours(template: Path, calls: list[float]) -> float:
    done, made = pushed(template, Habits(service=SERVICE), RECORDS)
    calls.append(made / RECORDS * 1000)
    return done.seconds


BENCH = Bench("push", "Push of 5,000 records in batches, at 5 ms a call", measure)
