"""`make bench`: all benches, or those named; a table, JSON and charts.

PEERS=1 measures peers beside ours; ROUNDS=8 plays at least so many of what takes long, however long that is.
"""

import argparse
import importlib
import json
import os
import sys
import time
from pathlib import Path

from benchmarks import table
from benchmarks.bench import Bench, Row, spread

NAMES = (
    "accept", "read", "webhook", "pull", "growth", "no_news", "incremental", "push", "push_alone", "quota", "arrival",
    "plan", "start", "references",
)  # fmt: skip
RESULTS = Path(__file__).resolve().parent.parent / "docs" / "benchmarks"


def main() -> None:
    asked = _asked()
    for name in asked.names or NAMES:
        bench: Bench = importlib.import_module(f"benchmarks.{name}").BENCH
        begun = time.perf_counter()
        rows = bench.measure(asked.rounds or bench.rounds, os.environ.get("PEERS") == "1")
        print(f"\n{bench.title}  ({time.perf_counter() - begun:.0f} s)")
        for row in rows:
            print(_line(row))
        sys.stdout.flush()
        if not asked.dry:
            _keep(bench, rows)
    if not asked.dry:
        table.write(RESULTS, RESULTS.parent / "performance.md", NAMES)
        importlib.import_module("benchmarks.chart").draw(RESULTS)


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--rounds", type=int, help="rounds of each instead of its own number")
    parser.add_argument("--dry", action="store_true", help="keep nothing: no JSON and no chart in docs/benchmarks")
    return parser.parse_args()


def _line(row: Row) -> str:
    target = "" if row.target is None else f"{'≥' if row.better == 'more' else '≤'} {row.target:.3g}"
    verdict = {True: "met", False: "MISSED", None: ""}[row.is_met]
    ours, floor = spread(row.ours), spread(row.floor)
    return f"  {row.what:58} {spread(row.ratios):28} {target:8} {verdict:7} {ours} to {floor} {row.unit}"


def _keep(bench: Bench, rows: list[Row]) -> None:
    RESULTS.mkdir(parents=True, exist_ok=True)
    found = {"name": bench.name, "title": bench.title, "rows": [row.as_json() for row in rows]}
    (RESULTS / f"{bench.name}.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
