"""One execution of a sync: who asked, which way, what came of it; one at a time for a resource."""

import dataclasses
from collections.abc import Collection
from datetime import timedelta
from typing import Any, Literal

import structlog

from app.core.db import reading, transact
from app.core.resource import Resource
from app.crm import CRMError
from app.store import records, runs
from app.sync import feed, push
from app.sync.engine import Engine
from app.sync.feed import Counts

log = structlog.get_logger(__name__)
Direction = Literal["both", "push", "pull"]
DIRECTIONS = ("both", "push", "pull")
LEASE = timedelta(minutes=5)


def run(engine: Engine, direction: Direction, resources: Collection[str], asked_by: str) -> dict[str, Any]:
    """Do one run and return it as it is shown. A CRM that cannot be reached makes it `failed`, never an exception."""
    run_id = begin(engine, direction, resources, asked_by)
    return carry_out(engine, run_id, direction, resources)


def begin(engine: Engine, direction: Direction, resources: Collection[str], asked_by: str) -> str:
    """Write a run down before it does anything, so that a crash leaves a trace."""
    run_id = engine.world.new_id()
    row = {
        "id": run_id,
        "direction": direction,
        "resources": list(resources),
        "asked_by": asked_by,
        "status": "running",
        "counts": shown(Counts()),
        "started_at": engine.world.now(),
    }
    transact(lambda tx: runs.start(tx, row))
    return run_id


def carry_out(engine: Engine, run_id: str, direction: Direction, resources: Collection[str]) -> dict[str, Any]:
    """Do what a run was begun for."""
    counts = Counts()
    problems = []
    for name in resources:
        problem = _exclusively(engine, engine.registry[name], run_id, direction, counts)
        if problem is not None:
            problems.append(f"{name}: {problem}")
    _finish(engine, run_id, counts, problems, resources)
    with reading() as connection:
        found = runs.get(connection, run_id)
    assert found is not None
    return found


def _exclusively(engine: Engine, resource: Resource, run_id: str, direction: Direction, counts: Counts) -> str | None:
    """Sync one resource unless another run is at it; return what went wrong."""
    lease = f"run:{resource.name}"
    now = engine.world.now()
    if not transact(lambda tx: runs.take_lease(tx, lease, run_id, now, now + LEASE)):
        counts.errors["busy"] = counts.errors.get("busy", 0) + 1
        return "another run is at work"
    try:
        # What the CRM knows comes in first, so that what is owed is computed against it.
        if direction != "push":
            feed.since_cursor(engine, resource, run_id, counts)
        if direction != "pull":
            _push_all(engine, resource, counts)
    except CRMError as error:
        counts.failure(type(error).__name__)
        log.warning("run_interrupted", run=run_id, resource=resource.name, error=type(error).__name__)
        return error.message
    finally:
        transact(lambda tx: runs.release_lease(tx, lease, run_id))
    return None


def _push_all(engine: Engine, resource: Resource, counts: Counts) -> None:
    while tasks := push.due(engine, engine.batch_size, [resource.name]):
        for task in tasks:
            ended = push.push(engine, task, engine.world.monotonic() + push.LONGEST)
            counts.conflicts += ended.conflicts
            if ended.reason is None:
                counts.pushed += 1
            else:
                counts.failure("rejected" if ended.status == "failed" else "unavailable")


def _finish(engine: Engine, run_id: str, counts: Counts, problems: list[str], resources: Collection[str]) -> None:
    status = "succeeded" if not problems else "failed"
    with reading() as connection:
        in_step = sum(records.count_by_status(connection, engine.registry[name]).get("synced", 0) for name in resources)
    final = {**shown(counts), "synced": in_step}
    error = "; ".join(problems) or None
    transact(lambda tx: runs.finish(tx, run_id, status, final, error, engine.world.now()))
    log.info("run_finished", run=run_id, status=status, **{k: v for k, v in final.items() if k != "errors"})
    engine.count("runs", outcome=status)


def shown(counts: Counts) -> dict[str, Any]:
    return {**dataclasses.asdict(counts), "synced": 0}
