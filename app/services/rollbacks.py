"""Taking back what a run did, or a single change: dry first, if wanted."""

from typing import Any

import structlog

from app.core.db import reading
from app.core.errors import AlreadyDecided, NotFound, Stale
from app.core.record import Record, same
from app.core.resource import Resource
from app.services import runs as runs_shown
from app.store import crm_changes, journal, runs
from app.store.journal import Entry
from app.store.work import Work
from app.sync import edits, foreseen, rollback, taking_back
from app.sync import runs as engine_runs
from app.sync.engine import Engine
from app.sync.runs import Asked
from app.sync.unit import within

log = structlog.get_logger(__name__)
FROM_THERE = frozenset({"pull", "webhook", "push"})
"""A record that one of these has made is the CRM's own, and stays there when its coming here is undone."""


def roll_back(engine: Engine, run_id: str, by: str, *, dry_run: bool) -> dict[str, Any]:
    """Take a run back, and return the run that did; dry, return what it would write and what it would leave.

    Raises NotFound, and AlreadyDecided for a run that is still at work.
    """
    with reading() as connection:
        found = runs.get(connection, run_id)
    if found is None:
        raise NotFound("There is no such run.")
    if found["status"] == runs.RUNNING:
        raise AlreadyDecided("The run is still at work: wait for its end.")
    if dry_run:
        return _dry(engine, found)
    asked = Asked("rollback", tuple(found["resources"]), by, rolls_back=run_id)
    return runs_shown.shown(engine_runs.run(engine, asked), engine.world.now())


def _dry(engine: Engine, found: dict[str, Any]) -> dict[str, Any]:
    writes: list[dict[str, Any]] = []
    left: list[dict[str, Any]] = []
    for name in found["resources"]:
        after = ""
        while True:
            with reading() as connection:
                ids = crm_changes.touched(connection, found["id"], name, after, taking_back.AT_ONCE)
                work = Work(connection, engine.registry[name], locking=False)
                steps = rollback.steps(work, found["id"], ids)
                taken = rollback.take_back(work, engine, steps, "")
                pushed = [one.record_id for one in taken if one.left is None]
                writes += [*foreseen.writes_of(work, engine, pushed), *foreseen.deletes_there(work)]
            left += [{"resource": name, "record_id": one.record_id, "why": one.left} for one in taken if one.left]
            if not ids:
                break
            after = ids[-1]
    return {"dry_run": True, "run_id": found["id"], "writes": writes, "left": left}


def undo(engine: Engine, resource: Resource, record_id: str, change_id: int) -> Record:
    """Take back one change of a record, provided that the fields still are as it left them.

    Raises NotFound, Stale when they have moved on, and Taken.
    """

    def work_through(work: Work) -> Record:
        record, entry = work.record(record_id), journal.get(work.tx, change_id)
        if record is None or entry is None or (entry.resource, entry.record_id) != (resource.name, record_id):
            raise NotFound(f"There is no such change of a {resource.singular}.")
        _undo(work, engine, record, entry)
        return record

    record = within(engine, resource, work_through)
    log.info("change_undone", resource=resource.name, record=record_id, change=change_id)
    return record


def _undo(work: Work, engine: Engine, record: Record, entry: Entry) -> None:
    gone, back = entry.changes.get(journal.DELETED, (None, None))
    if gone is False and back is True:
        if record.deleted_at is None:
            raise Stale("The record was restored already.")
        edits.restore(work, engine, record, "rollback")
        return
    if record.deleted_at is not None:
        raise Stale("The record is deleted: undo that first.")
    now = {name: record.fields[name] for name in entry.changes if name in record.fields}
    moved = [name for name, value in now.items() if not same(value, entry.changes[name][1])]
    if moved:
        raise Stale(f"Changed since: {', '.join(sorted(moved))}.")
    if entry.version == 1 or gone is True:
        came_from_there = entry.origin in FROM_THERE if entry.version == 1 else rollback.was_there(work, record)
        go_away = edits.part if came_from_there else edits.delete
        go_away(work, engine, record, "rollback")
        return
    edits.set_fields(work, engine, record, {name: old for name, (old, _) in entry.changes.items()}, "rollback")
