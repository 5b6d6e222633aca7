"""One execution of a sync: who asked, which way, what came of it; one at a time for a resource."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import structlog

from app.core.db import reading, transact
from app.core.errors import NotFound
from app.crm import CRMError
from app.store import runs
from app.sync import bulk, feed, policy, repair, rollback, task
from app.sync.counts import Counts
from app.sync.engine import Engine
from app.sync.part import ALIVE_FOR, Part

log = structlog.get_logger(__name__)
Direction = Literal["both", "push", "pull", "repair", "rollback"]
Watch = Callable[[Part], None]
DIRECTIONS = ("both", "push", "pull")
PATIENCE = 10.0
"""Seconds a run waits for another one that is at work on the same resource."""
LOOK_EVERY = 0.25


@dataclass(frozen=True)
class Asked:
    """What somebody wants of a run; None is what is configured."""

    direction: Direction
    resources: tuple[str, ...]
    by: str
    batch_size: int | None = None
    policy: str | None = None
    rolls_back: str | None = None


def run(engine: Engine, asked: Asked, watch: Watch = lambda _: None) -> dict[str, Any]:
    """Do one run and return it as it is stored. A CRM that cannot be reached makes it `failed`, never an exception."""
    return carry_out(engine, begin(engine, asked), watch)


def begin(engine: Engine, asked: Asked) -> str:
    """Write a run down before it does anything, so that a crash leaves a trace; return its id."""
    run_id, now = engine.world.new_id(), engine.world.now()
    row = {
        "id": run_id,
        "direction": asked.direction,
        "resources": list(asked.resources),
        "asked_by": asked.by,
        "status": runs.RUNNING,
        "counts": Counts().shown(),
        "started_at": now,
        "batch_size": asked.batch_size or engine.batch_size,
        "policy": asked.policy or str(engine.policies),
        "alive_until": now + ALIVE_FOR,
        "resumed": 0,
        "rolls_back": asked.rolls_back,
    }
    transact(lambda tx: runs.start(tx, row))
    return run_id


def carry_out(engine: Engine, run_id: str, watch: Watch = lambda _: None) -> dict[str, Any]:
    """Do what a run was begun for, from where it is."""
    row = _get(run_id)
    special = replace(engine, policies=policy.parse(row["policy"]), batch_size=row["batch_size"])
    parts = []
    for name in row["resources"]:
        known = row["parts"].get(name, {})
        part = Part(special, run_id, engine.registry[name], Counts.of(known), watch=watch)
        parts.append((part, known.get("error") if known.get("status") not in {None, runs.RUNNING} else _do(part, row)))
    return _finish(engine, run_id, parts)


def resume_dead(engine: Engine) -> int:
    """Go on with runs that were cut off, each from its last page; return how many."""
    now = engine.world.now()
    with reading() as connection:
        found = runs.dead(connection, now)
    mine = [one for one in found if transact(lambda tx, one=one: runs.take_over(tx, one["id"], now, now + ALIVE_FOR))]  # type: ignore[misc]
    for one in mine:
        log.warning("run_resumed", run=one["id"], direction=one["direction"], resources=one["resources"])
        carry_out(engine, one["id"])
    return len(mine)


def _get(run_id: str) -> dict[str, Any]:
    with reading() as connection:
        found = runs.get(connection, run_id)
    if found is None:
        raise NotFound("There is no such run.")
    return found


def _do(part: Part, row: dict[str, Any]) -> str | None:
    """Do one part unless another run is at its resource; return what went wrong."""
    error = _exclusively(part, row)
    status = "needs_approval" if part.needs_approval and error is None else "failed" if error else "succeeded"
    now, text = part.engine.world.now(), error or part.needs_approval
    transact(lambda tx: runs.finish_part(tx, part.run_id, part.resource.name, status, text, now))
    return error


def _exclusively(part: Part, row: dict[str, Any]) -> str | None:
    if not _wait_for_turn(part):
        part.counts.failure("busy")
        part.count(Counts())
        return "another run is at work"
    try:
        if row["rolls_back"] is not None:
            rollback.carry_out(part, row["rolls_back"])
        else:
            _sync(part, row["direction"])
    except CRMError as error:
        failed = Counts()
        failed.failure(type(error).__name__)
        part.count(failed)
        log.warning("run_interrupted", run=part.run_id, resource=part.resource.name, error=type(error).__name__)
        return error.message
    finally:
        transact(lambda tx: runs.release_lease(tx, part.lease, part.run_id))
    return None


def _wait_for_turn(part: Part) -> bool:
    """Take the lease of a resource; False when another run keeps it for too long."""
    world = part.engine.world
    give_up = world.monotonic() + PATIENCE
    while True:
        now = world.now()
        if transact(lambda tx, now=now: runs.take_lease(tx, part.lease, part.run_id, now, now + ALIVE_FOR)):  # type: ignore[misc]
            return True
        if world.monotonic() >= give_up:
            return False
        world.sleep(LOOK_EVERY)


def _sync(part: Part, direction: Direction) -> None:
    # What the CRM knows comes in first, so that what is owed is computed against it.
    if direction == "repair":
        repair.heal(part)
    elif direction != "push":
        feed.since_cursor(part)
    if direction != "pull":
        for ended in _push_all(part):
            part.count(ended)


def _push_all(part: Part) -> Iterator[Counts]:
    engine = part.engine
    while tasks := task.due(engine, engine.batch_size, [part.resource.name], part.run_id):
        for unit in bulk.units(engine, tasks):
            counts = Counts()
            for ended in bulk.push_unit(engine, unit):
                counts.ended(ended)
            yield counts


def _finish(engine: Engine, run_id: str, parts: list[tuple[Part, str | None]]) -> dict[str, Any]:
    total, problems = Counts(), [f"{part.resource.name}: {error}" for part, error in parts if error]
    for part, _ in parts:
        total.add(part.counts)
    waiting = [part.needs_approval for part, _ in parts if part.needs_approval]
    status = "failed" if problems else "needs_approval" if waiting else "succeeded"
    text = "; ".join([*problems, *waiting]) or None
    transact(lambda tx: runs.finish(tx, run_id, status, total.shown(), text, engine.world.now()))
    numbers = {name: count for name, count in total.shown().items() if name != "errors"}
    log.info("run_finished", run=run_id, status=status, **numbers)
    engine.count("runs", outcome=status)
    return _get(run_id)
