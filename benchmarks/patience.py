"""Rounds for measurements that take long: as many as were asked for, or as many as fit into the time there is."""

import time
from collections.abc import Callable

from benchmarks.bench import paired


def paired_within(seconds: float, rounds: int, *measured: Callable[[], float]) -> list[list[float]]:
    """Measure in turns like `paired`; no round begins that would end too late, but for the first."""
    found: list[list[float]] = [[] for _ in measured]
    begun, longest = time.perf_counter(), 0.0
    for number in range(rounds):
        started = time.perf_counter()
        if number and started - begun + longest > seconds:
            break
        order = measured if number % 2 == 0 else measured[::-1]
        figures = [one for (one,) in paired(1, *order)]
        for place, figure in enumerate(figures if number % 2 == 0 else figures[::-1]):
            found[place].append(figure)
        longest = max(longest, time.perf_counter() - started)
    return found
