"""A push to a CRM without batches, eight calls at once, against eight scripts that send one after the other."""

from pathlib import Path

from benchmarks import databases, push
from benchmarks.bench import Bench, Row, played
from benchmarks.canned import Habits
from benchmarks.patience import paired_within

RECORDS = 1_000
SECONDS = 35.0
LANES = 8


def measure(rounds: int, _peers: bool) -> list[Row]:
    with databases.sqlite_template() as template:
        floor, ours = paired_within(
            SECONDS, rounds, lambda: LANES * push.one_by_one(), lambda: RECORDS / _ours(template)
        )
    what = f"{RECORDS:,} pushed alone, {LANES} at once, to {LANES} x one by one ({played(ours)})"
    return [Row(what, "records/s", ours, floor, "more", 0.9)]


def _ours(template: Path) -> float:
    done, _ = push.pushed(template, Habits(service=push.SERVICE, batches=False), RECORDS)
    return done.seconds


BENCH = Bench("push_alone", "Push to a CRM without batches, at 5 ms a call", measure)
