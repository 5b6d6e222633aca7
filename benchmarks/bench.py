"""What a benchmark is: rounds measured in turns, and rows that compare ours with a floor of the same run."""

import statistics
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

ROUNDS = 8
"""Rounds of a bench unless it says otherwise: single slices move by up to 2x on a machine that others use too."""
Better = Literal["more", "less"]


@dataclass(frozen=True)
class Row:
    """One comparison. `ours` and `floor` are figures of the same rounds, in `unit`; the ratio is ours to floor.

    `better` says whether more or less of the ratio is wanted, `target` what is asked of its median; None where a
    figure is only shown. `is_peer` marks somebody else's figure beside ours.
    """

    what: str
    unit: str
    ours: list[float]
    floor: list[float]
    better: Better
    target: float | None = None
    is_peer: bool = False

    @property
    def ratios(self) -> list[float]:
        return [mine / base for mine, base in zip(self.ours, self.floor, strict=True)]

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def is_met(self) -> bool | None:
        """Tell whether the target is reached; None when there is none."""
        if self.target is None:
            return None
        return self.ratio >= self.target if self.better == "more" else self.ratio <= self.target

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"ratio": self.ratio, "met": self.is_met}


@dataclass(frozen=True)
class Bench:
    """`measure` gets how many rounds to play and whether peers are wanted; `name` is what `make bench NAME=` takes."""

    name: str
    title: str
    measure: Callable[[int, bool], list[Row]]
    rounds: int = ROUNDS


def paired(rounds: int, *measured: Callable[[], float]) -> list[list[float]]:
    """Measure in turns, so that a slow moment of the machine is everybody's; return the figures of each."""
    found: list[list[float]] = [[] for _ in measured]
    for number in range(rounds):
        order = list(range(len(measured)))
        for place in order if number % 2 == 0 else reversed(order):
            found[place].append(measured[place]())
    return found


def played(values: list[float]) -> str:
    """Say in how many rounds these were measured."""
    return f"{len(values)} round{'' if len(values) == 1 else 's'}"


def spread(values: list[float]) -> str:
    """Return the median, and the least and the most."""
    return f"{shown(statistics.median(values))} ({shown(min(values))} to {shown(max(values))})"


def shown(value: float) -> str:
    """Return a figure with as many digits as mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
