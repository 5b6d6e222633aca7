"""A pull of 100 edits of known records: it costs what was changed, however many records there are."""

import statistics

from benchmarks import large
from benchmarks.bench import Bench, Row, paired
from benchmarks.large import Stand

CHANGES = 100
PULLS = 3
"""Pulls of a round, each of other edits; the median of them counts."""


def measure(rounds: int, _peers: bool) -> list[Row]:
    rows = []
    for kind in large.kinds():
        small, many = large.stands(kind)
        _timed(small), _timed(many)
        floor, ours = paired(rounds, lambda one=small: _timed(one), lambda one=many: _timed(one))  # type: ignore[misc]
        sizes = f"{many.records:,} records to {small.records:,}, {kind}"
        rows.append(Row(f"{CHANGES} edits pulled, time at {sizes}", "s", ours, floor, "less", 1.2))
    return rows


def _timed(stand: Stand) -> float:
    return statistics.median(_pulled(stand) for _ in range(PULLS))


def _pulled(stand: Stand) -> float:
    stand.changed(CHANGES)
    done = stand.pull()
    assert done.result["updated"] == CHANGES, done.result
    return done.seconds


BENCH = Bench("incremental", "Pull of 100 edits at 10,000 records and at a million", measure)
