"""A pull without news: one call and one look at the database, however many records there are."""

import statistics

from benchmarks import large
from benchmarks.bench import Bench, Row, paired
from benchmarks.large import Stand

PULLS = 9
"""Pulls of a round; the median of them counts, as each takes only some milliseconds."""


def measure(rounds: int, _peers: bool) -> list[Row]:
    rows = []
    for kind in large.kinds():
        small, many = large.stands(kind)
        for stand in (small, many):
            stand.unchanged()
            stand.pull()
        calls = _calls(many)
        floor, ours = paired(rounds, lambda one=small: _timed(one), lambda one=many: _timed(one))  # type: ignore[misc]
        sizes = f"{many.records:,} records to {small.records:,}, {kind}"
        rows.append(Row(f"no news, time at {sizes}", "s", ours, floor, "less", 1.1))
        rows.append(Row(f"no news, calls at {many.records:,}, {kind}", "calls", [calls], [1.0], "less", 1.0))
    return rows


def _timed(stand: Stand) -> float:
    return statistics.median(stand.pull().seconds for _ in range(PULLS))


def _calls(stand: Stand) -> float:
    stand.crm.forget()
    done = stand.pull()
    assert done.result["pulled"] == 0, done.result
    return float(stand.crm.stats()["total"])


BENCH = Bench("no_news", "Pull without news at 10,000 records and at a million", measure)
