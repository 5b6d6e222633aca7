"""Draws `docs/benchmarks.svg` from the JSON of all benches: how far each row is from its target, on one log axis."""

import json
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
mpl.rcParams |= {"svg.hashsalt": "crm-sync", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}

from matplotlib import pyplot as plt  # noqa: E402  (after the backend was chosen)
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.lines import Line2D  # noqa: E402
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # noqa: E402

MET, MISSED, QUIET = "#1a7f37", "#bc4c00", "#6e7781"
WIDTH, ROW, EDGES = 10.0, 0.3, 1.4
"""Inches: of all, of a row, and of what is above and below the rows."""
LABEL = 66


@dataclass(frozen=True)
class Mark:
    """One row as it is drawn: its ratios to the target, so that more is better and 1 is the target."""

    label: str
    ratios: list[float]
    middle: float
    said: str
    is_met: bool


def draw(folder: Path) -> None:
    """Draw all rows that have a target; nothing when there are none."""
    benches = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    groups = [(bench["title"], marks) for bench in benches if (marks := marks_of(bench["rows"]))]
    if not groups:
        return
    lines = sum(len(marks) + 1 for _, marks in groups)
    figure, axes = plt.subplots(figsize=(WIDTH, lines * ROW + EDGES), layout="constrained")
    place = 0
    for title, marks in groups:
        axes.text(-0.01, place, title, transform=axes.get_yaxis_transform(), ha="right", va="center", weight="bold")
        for line, mark in enumerate(marks, place + 1):
            _mark(axes, line, mark)
        place += len(marks) + 1
    _dress(axes, [mark for _, marks in groups for mark in marks], lines)
    figure.savefig(folder.with_suffix(".svg"), metadata={"Date": None, "Creator": None}, facecolor="white")
    plt.close(figure)


def marks_of(rows: list[dict[str, Any]]) -> list[Mark]:
    """Return the rows that have a target other than none at all, each as times better than it."""
    return [_mark_of(row) for row in rows if row["target"]]  # none is no multiple of another


def _mark_of(row: dict[str, Any]) -> Mark:
    found = [ours / floor for ours, floor in zip(row["ours"], row["floor"], strict=True)]
    wants_more, target = row["better"] == "more", row["target"]
    flipped = [one / target if wants_more else target / one for one in (*found, row["ratio"])]
    said = f"{row['ratio']:.3g}  ({'≥' if wants_more else '≤'} {target:.3g})"
    label = textwrap.shorten(row["what"], LABEL, placeholder=" …")
    return Mark(label, flipped[:-1], flipped[-1], said, row["met"])


def _mark(axes: Axes, line: int, mark: Mark) -> None:
    colour = MET if mark.is_met else MISSED
    axes.plot([min(mark.ratios), max(mark.ratios)], [line, line], color=colour, linewidth=1.6, solid_capstyle="butt")
    for end in (min(mark.ratios), max(mark.ratios)):
        axes.plot([end, end], [line - 0.18, line + 0.18], color=colour, linewidth=1.6)
    axes.plot([mark.middle], [line], marker="o" if mark.is_met else "D", markersize=6, color=colour)
    across = axes.get_yaxis_transform()
    axes.text(-0.01, line, mark.label, transform=across, ha="right", va="center")
    axes.text(1.01, line, mark.said, transform=across, ha="left", va="center", color=colour)


def _dress(axes: Axes, marks: list[Mark], lines: int) -> None:
    ratios = [one for mark in marks for one in mark.ratios]
    axes.set_xscale("log")
    axes.set_xlim(min(0.5, *ratios) / 1.2, max(2.0, *ratios) * 1.2)
    axes.set_ylim(lines - 0.4, -0.8)
    axes.axvline(1.0, color="black", linewidth=1.0, zorder=0)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.grid(visible=True, axis="x", color="#d0d7de", linewidth=0.5, zorder=0)
    axes.set_yticks([])
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    axes.set_xlabel("times better than its target (1x is the target; right is better)")
    axes.text(1.01, -0.8, "ratio to floor (target)", transform=axes.get_yaxis_transform(), color=QUIET, va="center")
    shapes = [Line2D([], [], color=MET, marker="o"), Line2D([], [], color=MISSED, marker="D")]
    said = ["met: median, least to most of the rounds", "missed"]
    axes.figure.legend(shapes, said, loc="outside upper right", ncols=2, frameon=False)
