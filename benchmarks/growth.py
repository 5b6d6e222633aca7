"""How a pull grows with the number of records: its time in step with them, its memory not at all."""

from pathlib import Path

from benchmarks import canned, databases
from benchmarks.bench import Bench, Row, played
from benchmarks.canned import Canned, Habits
from benchmarks.patience import paired_within
from benchmarks.pull import afresh, pulled
from benchmarks.service import Done

FEW, MANY = 20_000, 100_000
SECONDS = 55.0
ROUNDS = 3


def measure(rounds: int, _peers: bool) -> list[Row]:
    peaks: dict[int, list[float]] = {FEW: [], MANY: []}
    with (
        databases.sqlite_template() as template,
        canned.serving(Habits(records=FEW)) as few,
        canned.serving(Habits(records=MANY)) as many,
    ):
        floor, ours = paired_within(
            SECONDS, rounds, lambda: _timed(template, few, FEW, peaks), lambda: _timed(template, many, MANY, peaks)
        )
    shown = f"SQLite ({played(ours)})"
    return [
        Row(f"time of a pull of {MANY:,} to {FEW:,}, {shown}", "s", ours, floor, "less", 5.2),
        Row(f"most memory in a pull of {MANY:,} to {FEW:,}, {shown}", "MB", peaks[MANY], peaks[FEW], "less", 1.05),
    ]


def _timed(template: Path, crm: Canned, records: int, peaks: dict[int, list[float]]) -> float:
    done: Done = afresh(template, lambda one: pulled(one, crm, records))
    peaks[records].append(done.peak)
    return done.seconds


BENCH = Bench("growth", "Growth of a pull from 20,000 to 100,000 records", measure, ROUNDS)
