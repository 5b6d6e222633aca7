"""`flask sync simulate`: play many histories, and show the shortest one in which something does not hold."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from app.simulator import history
from app.simulator.history import FAULTS, History
from app.simulator.play import Played, Theatre
from app.simulator.stage import Make

HELP = """Play histories of a simulated application, CRM, network and clock, and check that everything held.

The same seed gives the same history. Exit code: 0 everything held, 1 something did not: the history is cut down to the
fewest steps that still show it, printed as JSON, and played again with --replay.
"""


def register(group: AppGroup, make: Make) -> None:
    """Add the command to `flask sync`."""

    @group.command("simulate", help=HELP)
    @click.option("--seed", type=int, help="Only this one.")
    @click.option("--seeds", default="1..100", show_default=True, help="From..to.")
    @click.option("--steps", default=60, show_default=True, help="Events in a history.")
    @click.option("--faults", default="all", show_default=True, help=f"Some of {', '.join(FAULTS)}; all or none.")
    @click.option("--replay", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A kept history.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    def simulate(seed: int | None, seeds: str, steps: int, faults: str, replay: Path | None, as_json: bool) -> None:
        numbers = [seed] if seed is not None else _range(seeds)
        histories = [_kept(replay)] if replay else (history.make(one, steps, _faults(faults)) for one in numbers)
        count = 1 if replay else len(numbers)
        theatre = Theatre(make)
        try:
            found, summary = _play(theatre, iter(histories), count, quiet=as_json)
        finally:
            theatre.close()
        _show(found, summary, as_json=as_json)
        sys.exit(0 if found is None else 1)


def _play(theatre: Theatre, histories: Iterator[History], count: int, *, quiet: bool) -> tuple[Played | None, Any]:
    faults: Counter[str] = Counter()
    played = steps = calls = changes = 0
    found = None
    with click.progressbar(length=count, label="Histories", file=sys.stderr, hidden=quiet) as bar:
        for one in histories:
            ended = theatre.play(one)
            played, steps = played + 1, steps + len(one.steps)
            calls, changes = calls + ended.calls, changes + ended.changes
            faults.update(ended.faults)
            bar.update(1)
            if ended.violation is not None:
                found = theatre.shrink(ended)
                break
    ratio = round(calls / changes, 2) if changes else 0.0
    return found, {"histories": played, "steps": steps, "faults": dict(faults), "calls_a_change": ratio}


def _show(found: Played | None, summary: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        about = None if found is None else {"violation": found.violation, "history": found.history.shown()}
        click.echo(json.dumps({**summary, "violation": about}))
        return
    injected = ", ".join(f"{count} {name}" for name, count in sorted(summary["faults"].items()))
    click.echo(
        f"{summary['histories']} histories, {summary['steps']} steps, {summary['calls_a_change']} CRM calls a change; "
        f"faults: {injected or 'none'}."
    )
    if found is None:
        click.echo("Everything held.")
    else:
        click.echo(f"Seed {found.history.seed}: {found.violation}\n{json.dumps(found.history.shown())}")


def _range(text: str) -> range:
    first, dots, last = text.partition("..")
    try:
        found = range(int(first), int(last if dots else first) + 1)
    except ValueError:
        found = range(0)
    if not found:
        raise click.UsageError("Say --seeds FROM..TO.")
    return found


def _faults(text: str) -> tuple[str, ...]:
    if text in {"all", "none"}:
        return FAULTS if text == "all" else ()
    chosen = tuple(part.strip() for part in text.split(","))
    if unknown := [one for one in chosen if one not in FAULTS]:
        raise click.UsageError(f"There is no such fault: {', '.join(unknown)}.")
    return chosen


def _kept(path: Path) -> History:
    try:
        return history.read(json.loads(path.read_text()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise click.UsageError(f"{path} is no history that was kept.") from error
