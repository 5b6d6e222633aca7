"""Rounds for measurements that take long: as many as fit into the time there is, or as were asked for (ROUNDS=8)."""

import os
import time
from collections.abc import Callable

from benchmarks.bench import paired


def at_least(rounds: int) -> int:
    """Return how many rounds to play of what takes long: `rounds`, or as many as ROUNDS asks for."""
    return max(rounds, int(os.environ.get("ROUNDS") or 0))


def paired_within(seconds: float, rounds: int, *measured: Callable[[], float]) -> list[list[float]]:
    """Measure in turns like `paired`; no round begins that would end too late, but for the first and as ROUNDS asks."""
    found: list[list[float]] = [[] for _ in measured]
    begun, longest = time.perf_counter(), 0.0
    for number in range(at_least(rounds)):
        started = time.perf_counter()
        if number >= at_least(1) and started - begun + longest > seconds:
            break
        order = measured if number % 2 == 0 else measured[::-1]
        figures = [one for (one,) in paired(1, *order)]
        for place, figure in enumerate(figures if number % 2 == 0 else figures[::-1]):
            found[place].append(figure)
        longest = max(longest, time.perf_counter() - started)
    return found
