"""Cutting a history down to the fewest steps that still show what did not hold."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from app.simulator.history import History, Step
from app.simulator.theatre import Played

Play = Callable[[History], Played]
PLAIN: tuple[dict[str, Any], ...] = ({"faults": {}}, {"storage": {}}, {"during": {}}, {"crash": None})


def shrink(play: Play, found: Played, watch: Callable[[int], None] = lambda _: None) -> Played:
    """Return the shortest history found that still violates the same invariant.

    Steps are taken out, half of them at first, then what goes wrong in each. `watch` is told how many are left.
    """
    best, size = found, max(1, len(found.history.steps) // 2)
    while True:
        before = best
        best = _made_plainer(play, _swept(play, best, size)) if size == 1 else _swept(play, best, size)
        watch(len(best.history.steps))
        if size == 1 and best is before:
            return best
        size = max(1, size // 2)


def _swept(play: Play, best: Played, size: int) -> Played:
    """Go through the steps once, and leave out whatever is not needed, so many at a time."""
    start = 0
    while start < len(best.history.steps):
        steps = best.history.steps
        again = play(replace(best.history, steps=steps[:start] + steps[start + size :]))
        if again.invariant == best.invariant:
            best = again
        else:
            start += size
    return best


def _made_plainer(play: Play, best: Played) -> Played:
    for place, step in enumerate(best.history.steps):
        for plain in _plainer(step):
            steps = best.history.steps
            again = play(replace(best.history, steps=[*steps[:place], plain, *steps[place + 1 :]]))
            if again.invariant == best.invariant:
                best = again
                break
    return best


def _plainer(step: Step) -> Iterator[Step]:
    for without in PLAIN:
        plain = replace(step, **without)
        if plain != step:
            yield plain
