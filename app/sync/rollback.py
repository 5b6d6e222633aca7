"""Taking a run back: each record goes to what it was before, here and in the CRM, unless it has moved since."""

from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Connection

from app.core.db import reading, transact
from app.core.errors import Taken
from app.core.record import Fields, Record
from app.crm import CRMError
from app.store import crm_changes, journal, runs
from app.store.crm_changes import Told
from app.store.journal import Entry
from app.store.work import Work
from app.sync import bulk, edits, task, tombstone
from app.sync.counts import Counts
from app.sync.engine import Engine
from app.sync.part import Part

AT_ONCE = 200
UNDONE = "Not in the CRM: the run that created it there was rolled back."
Action = Literal["set", "restore", "delete", "part", "unlink", "relink", "nothing"]


@dataclass(frozen=True)
class Step:
    """What takes one record back: an action, and the values it had before."""

    record_id: str
    action: Action
    fields: Fields = field(default_factory=dict)
    left: str | None = None


def before(record_id: str, entries: list[Entry], told: list[Told], record: Record | None) -> Step:
    """Return what takes a record back to before these changes. Pure."""
    if record is None:
        return Step(record_id, "nothing", left="It is not here any more.")
    last = max([one.version for one in entries] + [one.version for one in told])
    if record.version != last:
        return Step(record.id, "nothing", left=f"It has changed since: it is at version {record.version}, not {last}.")
    target: Fields = {}
    for entry in entries:
        for name, (old, _) in entry.changes.items():
            target.setdefault(name, old)
    for one in told:
        for name, (old, _) in one.changes.items():
            target.setdefault(name, old)
    was_deleted = target.pop(journal.DELETED, None)
    return Step(record.id, _action(entries, told, record, was_deleted), target)


def _action(entries: list[Entry], told: list[Told], record: Record, was_deleted: bool | None) -> Action:
    if entries and entries[0].version == 1:
        return "part"
    if record.deleted_at is not None:
        return "restore" if was_deleted is False else "nothing"
    if was_deleted is True:
        return "delete"
    if any(one.action == "create" for one in told):
        return "unlink"
    return "relink" if any(one.action == "delete" for one in told) else "set"


def steps(work: Work, run_id: str, ids: list[str]) -> list[Step]:
    """Return what takes some records back."""
    entries: dict[str, list[Entry]] = {one: [] for one in ids}
    told: dict[str, list[Told]] = {one: [] for one in ids}
    for entry in journal.of_run(work.tx, run_id, work.resource.name, ids):
        entries[entry.record_id].append(entry)
    for one in crm_changes.of_run(work.tx, run_id, work.resource.name, ids):
        told[one.record_id].append(one)
    work.load(ids=ids)
    return [before(one, entries[one], told[one], work.record(one)) for one in ids]


def take_back(work: Work, engine: Engine, step: Step, run_id: str) -> Step:
    """Do one step; return it with why it was left, if it was. The CRM's side is owed, and pushed after."""
    record = work.record(step.record_id)
    if record is None or step.left is not None:
        return step
    try:
        _do(work, engine, record, step, run_id)
    except Taken as error:
        return Step(step.record_id, "nothing", left=error.detail)
    return step


def _do(work: Work, engine: Engine, record: Record, step: Step, run_id: str) -> None:
    if step.action == "restore":
        edits.restore(work, engine, record, "rollback", run_id)
    elif step.action == "delete":
        edits.delete(work, engine, record, "rollback", run_id)
    elif step.action == "part":
        edits.part(work, engine, record, "rollback", run_id)
    elif step.action == "unlink":
        _unlink(work, engine, record, run_id)
    elif step.action == "relink":
        copy = work.copy(record.id)
        if copy is not None:
            tombstone.forget_link(work, record, copy)
        work.owe(record.id, engine.world.now())
        record.status, record.error = "pending", None
        work.save(record)
    if step.action in {"set", "restore"}:
        edits.set_fields(work, engine, record, step.fields, "rollback", run_id)


def _unlink(work: Work, engine: Engine, record: Record, run_id: str) -> None:
    """Part with a counterpart that the run created; it is deleted in the CRM after this is stored."""
    copy = work.copy(record.id)
    if copy is None or record.crm_id is None:
        return
    copy.deleted = True
    work.copies.put(record.id, copy)
    work.outbox.remove(record.id)
    changes = {journal.DELETED: (False, True)}
    now, crm_id = engine.world.now(), record.crm_id
    work.told.append(Told(work.resource.name, record.id, record.version, crm_id, now, "delete", run_id, changes))
    record.crm_id, record.status, record.error = None, "synced", UNDONE
    work.save(record)


def carry_out(part: Part, rolled_back: str) -> None:
    """Take back one resource's part of a run, a page of records in a transaction, and push it."""
    after, left = "", []
    while True:
        with reading() as connection:
            ids = crm_changes.touched(connection, rolled_back, part.resource.name, after, AT_ONCE)
        if not ids:
            break
        left += _page(part, rolled_back, ids)
        after = ids[-1]
    transact(lambda tx: runs.save_left(tx, part.run_id, part.resource.name, left))


def _page(part: Part, rolled_back: str, ids: list[str]) -> list[dict[str, Any]]:
    engine = part.engine
    with reading() as connection:
        done = crm_changes.touched_of(connection, part.run_id, part.resource.name, ids)
    rest = [one for one in ids if one not in done]  # a run that was cut off does nothing twice

    def work_through(tx: Connection) -> tuple[list[Step], Counts]:
        work, counts = Work(tx, part.resource), Counts()
        found = steps(work, rolled_back, rest)
        taken = [take_back(work, engine, step, part.run_id) for step in found]
        for step in taken:
            _count(counts, step)
        work.flush(engine.world.now())
        part.note(tx, counts)
        return taken, counts

    taken, counts = transact(work_through)
    part.done(counts)
    _push(part, ids)
    left = [{"record_id": step.record_id, "why": step.left} for step in taken if step.left is not None]
    return left + _delete_there(part, ids)


def _count(counts: Counts, step: Step) -> None:
    if step.left is not None or step.action == "nothing":
        counts.skipped += 1
        return
    counts.synced += 1
    if step.action in {"part", "delete"}:
        counts.deleted += 1
    elif step.action == "restore":
        counts.created += 1
    else:
        counts.updated += 1


def _push(part: Part, ids: list[str]) -> None:
    """Push what the steps owe, twice for what turns out to be created anew."""
    for _ in range(2):
        tasks = task.named(part.engine, ids, part.run_id)
        for unit in bulk.units(part.engine, tasks):
            counts = Counts()
            for ended in bulk.push_unit(part.engine, unit):
                counts.ended(ended)
            part.count(counts)


def _delete_there(part: Part, ids: list[str]) -> list[dict[str, Any]]:
    """Delete in the CRM what the run had created there; what has moved since stays, and is said."""
    left = []
    with reading() as connection:
        work = Work(connection, part.resource, locking=False)
        work.load(ids=ids)
        parted = [one for one in crm_changes.of_run(connection, part.run_id, part.resource.name, ids)
                  if one.action == "delete" and _is_apart(work, one)]  # fmt: skip
        versions = {one.crm_id: copy.version for one in parted if (copy := work.copy(one.record_id)) is not None}
    for one in parted:
        try:
            part.engine.crm.delete(part.resource.crm_path, one.crm_id, version=versions.get(one.crm_id))
        except CRMError as error:
            left.append({"record_id": one.record_id, "why": f"{one.crm_id} stays in the CRM: {error.message}"})
    return left


def _is_apart(work: Work, told: Told) -> bool:
    record, copy = work.record(told.record_id), work.copy(told.record_id)
    return record is not None and record.crm_id is None and copy is not None and copy.crm_id == told.crm_id
