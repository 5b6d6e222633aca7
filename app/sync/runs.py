"""One execution of a sync: who asked, which way, what came of it; one at a time for a resource."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import structlog

from app.core.db import reading, transact
from app.core.errors import NotFound
from app.crm import CRMError
from app.store import outbox, runs
from app.sync import bulk, feed, policy, repair, taking_back
from app.sync.counts import Counts
from app.sync.engine import Engine
from app.sync.part import ALIVE_FOR, Part, lease_of

log = structlog.get_logger(__name__)
Direction = Literal["both", "push", "pull", "repair", "rollback"]
Watch = Callable[[Part], None]
DIRECTIONS = ("both", "push", "pull")
PATIENCE = 10.0
"""Seconds a run waits for another one that is at work on the same resource."""
LOOK_EVERY = 0.25
NOTE_EVERY = 1.0
"""Seconds between two notes of what was pushed."""
MOST_RESUMED = 3
"""A run that was cut off more often than this would be cut off again."""
CUT_OFF = "It was cut off again and again: see the log."


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
    """Do one run and return it as it is stored. A CRM that cannot be reached makes it `failed`, never an exception.

    What was cut off before comes first: there may be no worker that goes on with it.
    """
    resume_dead(engine)
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
        known = row["parts"][name]
        part = Part(special, run_id, engine.registry[name], Counts.of(known), watch=watch)
        parts.append((part, _do(part, row) if known["status"] == runs.RUNNING else _done(part, known)))
    return _finish(engine, run_id, parts)


def resume_dead(engine: Engine) -> int:
    """Go on with runs that were cut off, each from its last page; return how many."""
    with reading() as connection:
        found = runs.dead(connection, engine.world.now())
    return sum(_resume(engine, one) for one in found)


def _resume(engine: Engine, row: dict[str, Any]) -> bool:
    now, run_id = engine.world.now(), row["id"]
    with reading() as connection:
        if any(runs.is_leased(connection, lease_of(name), now, but_by=run_id) for name in row["resources"]):
            return False  # another run is at work there: later
    if not transact(lambda tx: runs.take_over(tx, run_id, now, now + ALIVE_FOR)):
        return False
    log.warning("run_resumed", run=run_id, direction=row["direction"], resources=row["resources"])
    carry_out(engine, run_id)
    return True


def _get(run_id: str) -> dict[str, Any]:
    with reading() as connection:
        found = runs.get(connection, run_id)
    if found is None:
        raise NotFound("There is no such run.")
    return found


def _do(part: Part, row: dict[str, Any]) -> str | None:
    """Do one part unless another run is at its resource; return what went wrong."""
    error = CUT_OFF if row["resumed"] > MOST_RESUMED else _exclusively(part, row)
    status = "needs_approval" if part.needs_approval and error is None else "failed" if error else "succeeded"
    now, text = part.engine.world.now(), error or part.needs_approval
    for name, count in part.counts.unmentioned.items():
        resource, _, field = name.partition(".")
        log.warning("field_unmentioned", run=part.run_id, resource=resource, field=field, records=count)
    transact(lambda tx: runs.finish_part(tx, part.run_id, part.resource.name, status, text, now))
    return error


def _done(part: Part, known: dict[str, Any]) -> str | None:
    """Take over what became of a part before the run was cut off; return what went wrong."""
    if known["status"] == "needs_approval":
        part.needs_approval = known["error"]
        return None
    error: str | None = known["error"]
    return error


def _exclusively(part: Part, row: dict[str, Any]) -> str | None:
    if not _wait_for_turn(part):
        part.counts.failure("busy")
        part.count(Counts())
        return "another run is at work"
    try:
        if row["rolls_back"] is not None:
            taking_back.carry_out(part, row["rolls_back"])
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
        _push_all(part)


def _push_all(part: Part) -> None:
    """Push what is due. Single pushes are counted now and then: a transaction for each would cost as much as it."""
    monotonic = part.engine.world.monotonic
    counts, noted_at = Counts(), monotonic()
    with reading() as connection:
        part.expected = part.done_so_far + outbox.backlog(connection, part.resource.name)[0]
    for ended in bulk.push_all(part.engine, [part.resource.name], part.run_id):
        for one in ended:
            counts.ended(one)
        if len(ended) != 1 or monotonic() - noted_at >= NOTE_EVERY:
            part.count(counts)
            counts, noted_at = Counts(), monotonic()
    part.count(counts)


def _finish(engine: Engine, run_id: str, parts: list[tuple[Part, str | None]]) -> dict[str, Any]:
    total, problems = Counts(), [f"{part.resource.name}: {error}" for part, error in parts if error]
    for part, _ in parts:
        total.add(part.counts)
    waiting = [part.needs_approval for part, _ in parts if part.needs_approval]
    status = "failed" if problems else "needs_approval" if waiting else "succeeded"
    text = "; ".join([*problems, *waiting]) or None
    transact(lambda tx: runs.finish(tx, run_id, status, total.shown(), text, engine.world.now()))
    numbers = {name: count for name, count in total.shown().items() if isinstance(count, int)}
    log.info("run_finished", run=run_id, status=status, **numbers)
    engine.count("runs", outcome=status)
    return _get(run_id)
