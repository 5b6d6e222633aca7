"""`flask sync simulate`: play many histories, and show the shortest one in which something does not hold."""

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from app.core.field import POLICIES
from app.core.resource import Registry
from app.simulator import history, shrink
from app.simulator.faults import FAULTS
from app.simulator.habits import MANGLES
from app.simulator.history import NEWS, STORAGE, WEIGHTS, History, Step
from app.simulator.invariants import INVARIANTS
from app.simulator.line import KINDS
from app.simulator.theatre import Factory, Played, Theatre

INTERRUPTED = 130
LARGEST_SEED = 2**53
ALL_FAULTS = (*FAULTS, *STORAGE)
FEW = ("few",)
FAULTS_HELP = f"Some of {', '.join(ALL_FAULTS)}; all, none, or few: up to three, as each seed says."
HELP = """Play histories of a simulated application, CRM, network and clock, and check that everything held.

The same seed gives the same history. Exit code: 0 everything held, 1 something did not: the history is cut down to the
fewest steps that still show it, printed as JSON, and played again with --replay. 130: Ctrl-C, after showing what was
played.
"""


def register(group: AppGroup, factory: Factory) -> None:
    """Add the command to `flask sync`."""

    @group.command("simulate", help=HELP)
    @click.option("--seed", type=int, help="Only this one.")
    @click.option("--seeds", default="1..100", show_default=True, help="From..to.")
    @click.option("--steps", default=60, show_default=True, type=click.IntRange(1, 10_000), help="Events in a history.")
    @click.option("--faults", default="all", show_default=True, help=FAULTS_HELP)
    @click.option(
        "--resources",
        "named",
        default=next(iter(factory.registry)),
        show_default=True,
        help="Some of those that are declared, or all; what they refer to takes part as well.",
    )
    @click.option("--rate", type=click.FloatRange(0, 1), help="Share of calls that go wrong.  [default: by the seed]")
    @click.option("--replay", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A kept history.")
    @click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
    def simulate(
        seed: int | None, seeds: str, steps: int, faults: str, named: str, rate: float | None,
        replay: Path | None, as_json: bool,
    ) -> None:  # fmt: skip
        numbers = [seed] if seed is not None else _range(seeds)
        chosen, names = _faults(faults), _resources(named, factory.registry)
        kept = [_kept(replay, factory.registry)] if replay else None
        try:
            with closing(Theatre(factory, kept[0].resources if kept else names)) as theatre:
                made = kept or (_made(one, steps, chosen, rate, theatre.registry) for one in numbers)
                total = _play(theatre, made, 1 if kept else len(numbers), quiet=as_json)
                found = total.found and _shrunk(theatre, total.found, quiet=as_json)
        except KeyboardInterrupt:  # before the first history, or while one is cut down
            sys.exit(INTERRUPTED)
        _show(total, found, as_json=as_json)
        sys.exit(INTERRUPTED if total.interrupted else 0 if found is None else 1)


@dataclass
class Total:
    """What was played, and the first history in which something did not hold."""

    histories: int = 0
    steps: int = 0
    changes: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    digest: Any = field(default_factory=hashlib.sha256)
    """Of the digests of all histories."""
    found: Played | None = None
    interrupted: bool = False

    def add(self, played: Played) -> None:
        self.histories, self.steps = self.histories + 1, self.steps + len(played.history.steps)
        self.changes += played.changes
        self.faults.update(played.faults)
        self.calls.update(played.calls)
        self.digest.update(played.digest.encode())

    @property
    def calls_a_change(self) -> float:
        """Writes and look-ups for each change; the pages of scheduled pulls come as often as they are asked for."""
        return round((self.calls["write"] + self.calls["look"]) / max(1, self.changes), 2)

    def shown(self) -> dict[str, Any]:
        return {
            "histories": self.histories,
            "steps": self.steps,
            "changes": self.changes,
            "calls": {kind: self.calls[kind] for kind in KINDS},
            "calls_a_change": self.calls_a_change,
            "faults": dict(sorted(self.faults.items())),
            "digest": self.digest.hexdigest(),
            "interrupted": self.interrupted,
            "invariants": [one.name for one in INVARIANTS],
        }


def _made(seed: int, steps: int, faults: tuple[str, ...], rate: float | None, registry: Registry) -> History:
    if not faults:
        return history.make(seed, steps, faults, 0.0, registry)
    chosen, share = history.few(seed) if faults == FEW else (faults, None)
    return history.make(seed, steps, chosen, share if rate is None else rate, registry)


def _play(theatre: Theatre, histories: Iterable[History], count: int, *, quiet: bool) -> Total:
    total = Total()
    with click.progressbar(length=count, label="Histories", file=sys.stderr, hidden=quiet) as bar:
        try:
            for one in histories:
                played = theatre.play(one)
                total.add(played)
                bar.update(1)
                if played.violation is not None:
                    total.found = played
                    break
        except KeyboardInterrupt:  # what was played until then still counts
            total.interrupted = True
    return total


def _shrunk(theatre: Theatre, found: Played, *, quiet: bool) -> Played:
    def tell(steps: int) -> None:
        if not quiet:
            click.echo(f"\r  cut down to {steps} steps ", nl=False, err=True)

    if not quiet:
        click.echo(f"Seed {found.history.seed}: {found.violation}", err=True)
    return shrink.shrink(theatre.play, found, tell)


def _show(total: Total, found: Played | None, *, as_json: bool) -> None:
    if as_json:
        about = None if found is None else _violation(found)
        click.echo(json.dumps({**total.shown(), "violation": about}))
        return
    faults = ", ".join(f"{count} {name}" for name, count in sorted(total.faults.items())) or "none"
    click.echo(f"{total.histories} histories of {total.steps} steps, {len(INVARIANTS)} invariants.")
    click.echo(f"Faults: {faults}.")
    click.echo(
        f"{total.calls_a_change} CRM calls a change ({total.changes} changes; {total.calls['write']} writes, "
        f"{total.calls['look']} look-ups; {total.calls['page']} pages and {total.calls['token']} tokens besides)."
    )
    if found is None:
        click.echo("Interrupted; until then everything held." if total.interrupted else "Everything held.")
    else:
        sentence = next((one.sentence for one in INVARIANTS if one.name == found.invariant), "")
        click.echo(f"Does not hold: {sentence}\nSeed {found.history.seed}: {found.violation}")
        click.echo("Keep this and play it again with --replay:")
        click.echo(json.dumps(found.history.shown()))


def _violation(found: Played) -> dict[str, Any]:
    return {"invariant": found.invariant, "text": found.violation, "history": found.history.shown()}


def _range(text: str) -> range:
    first, dots, last = text.partition("..")
    try:
        found = range(int(first), int(last if dots else first) + 1)
    except ValueError:
        found = range(0)
    if not found or max(abs(found[0]), abs(found[-1])) > LARGEST_SEED:
        raise click.UsageError("Say --seeds FROM..TO.")
    return found


def _faults(text: str) -> tuple[str, ...]:
    if text in {"all", "none", "few"}:
        return {"all": ALL_FAULTS, "none": (), "few": FEW}[text]
    chosen = tuple(part.strip() for part in text.split(","))
    if unknown := [one for one in chosen if one not in ALL_FAULTS]:
        raise click.UsageError(f"There is no such fault: {', '.join(unknown)}.")
    return chosen


def _resources(text: str, registry: Registry) -> tuple[str, ...]:
    chosen = tuple(registry) if text == "all" else tuple(part.strip() for part in text.split(","))
    if unknown := [one for one in chosen if one not in registry]:
        raise click.UsageError(f"There is no such resource: {', '.join(unknown)}.")
    return chosen


def _kept(path: Path, registry: Registry) -> History:
    try:
        found = history.read(json.loads(path.read_text()))
        unknown = [str(one) for one in _unknown(found, registry)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise click.UsageError(f"{path} is no history that was kept.") from error
    if unknown:
        raise click.UsageError(f"{path} names what there is not: {', '.join(unknown)}.")
    return found


def _unknown(found: History, registry: Registry) -> Iterator[object]:
    """Return what a history names and nobody can play: else a slip would pass for a history that holds."""
    about = found.setting
    named: list[tuple[str, Collection[str]]] = [
        (about.policy, POLICIES),
        (about.news, NEWS),
        (about.habits.mangles, MANGLES),
        *((name, registry) for name in found.resources),
    ]
    for step in _all(found.steps):
        named.append((step.do, WEIGHTS))
        named += [(step.resource, registry)] if step.resource else []
        named += [(fault, FAULTS) for fault in step.faults.values()]
        named += [(fault, STORAGE) for fault in step.storage.values()]
    yield from (name for name, known in named if name not in known)
    yield from (number for number in (found.seed, about.many) if not isinstance(number, int))


def _all(steps: Iterable[Step]) -> Iterator[Step]:
    for one in steps:
        yield one
        yield from _all(one.during.values())
