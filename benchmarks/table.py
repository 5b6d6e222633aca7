"""Writes the results into `docs/performance.md`, between two marks, from the JSON of all benches."""

import json
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.bench import shown, spread

BEGIN, END = "<!-- results -->", "<!-- end of results -->"
VERDICTS = {True: "met", False: "missed", None: ""}


def write(folder: Path, document: Path, names: Sequence[str]) -> None:
    """Put the rows of all benches, in the order of `names`, into the document."""
    found = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}
    lines = ["| bench | ratio to the floor (least to most) | target | | ours, floor |", "|---|---|---|---|---|"]
    for name in (one for one in names if one in found):
        lines.append(f"| **{found[name]['title']}** (`make bench NAME={name}`) | | | | |")
        lines += [_line(row) for row in found[name]["rows"]]
    put(document, BEGIN, END, lines)


def put(document: Path, begin: str, end: str, lines: Sequence[str]) -> None:
    """Put a table between two marks, where the document has them."""
    text = document.read_text()
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    table = "\n".join(lines)
    document.write_text(f"{before}{begin}\n\n{table}\n\n{end}{after}" if rest else text)


def _line(row: dict[str, Any]) -> str:
    ratios = [mine / base for mine, base in zip(row["ours"], row["floor"], strict=True)]
    sign = "≥" if row["better"] == "more" else "≤"
    target = "" if row["target"] is None else f"{sign} {row['target']:.3g}"
    figures = f"{_middle(row['ours'])}, {_middle(row['floor'])} {row['unit']}"
    return f"| {row['what']} | {spread(ratios)} | {target} | {VERDICTS[row['met']]} | {figures} |"


def _middle(values: list[float]) -> str:
    return shown(statistics.median(values))
