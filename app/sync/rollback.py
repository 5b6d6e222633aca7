"""Taking a run back: each record goes to what it was before, here and in the CRM, unless it has moved since."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from app.core.errors import Taken
from app.core.record import Fields, Record
from app.core.resource import Resource
from app.store import crm_changes, journal
from app.store.crm_changes import Told
from app.store.journal import Entry
from app.store.work import Work
from app.sync import edits, reconcile, tombstone
from app.sync.engine import Engine

UNDONE = "Not in the CRM: the run that created it there was rolled back."
Action = Literal["set", "restore", "delete", "part", "unlink", "relink", "nothing"]


@dataclass(frozen=True)
class Step:
    """What takes one record back: an action, and the values it had before.

    `left` says why it stays as it is; `as_there` that what the CRM changed meanwhile is taken along.
    """

    record_id: str
    action: Action
    fields: Fields = field(default_factory=dict)
    left: str | None = None
    as_there: bool = False


def before(
    resource: Resource, record_id: str, entries: Sequence[Entry], told: Sequence[Told], record: Record | None
) -> Step:
    """Return what takes a record back to before these changes. Pure."""
    if record is None:
        return Step(record_id, "nothing", left="It is not here any more.")
    why = _moved(entries, told, record)
    if why is not None:
        return Step(record.id, "nothing", left=why)
    # What a rollback buried was in step, so what differs by now is the CRM's own edit.
    as_there = bool(entries) and entries[-1].origin == "rollback"
    return Step(record.id, _action(entries, told, record), _values(resource, entries, told), as_there=as_there)


def _moved(entries: Sequence[Entry], told: Sequence[Told], record: Record) -> str | None:
    last = max([one.version for one in entries] + [one.version for one in told])
    if record.version != last:
        return f"It has changed since: it is at version {record.version}, not {last}."
    if told and told[-1].action != "delete" and told[-1].crm_id != record.crm_id:
        by_now = f"with {record.crm_id}" if record.crm_id else "with no record of the CRM"
        return f"It has moved since: it is linked {by_now}, not with {told[-1].crm_id}."
    return None


def _values(resource: Resource, entries: Sequence[Entry], told: Sequence[Told]) -> Fields:
    """Return the values from before; an answer of the CRM is a consequence of what it was told."""
    ours = [one.changes for one in entries if one.origin != "push"]
    theirs = [one.changes for one in told if one.action == "update"]
    answers = [one.changes for one in entries if one.origin == "push"]
    found: Fields = {}
    for changes in (*ours, *theirs, *answers):
        for name, (old, _) in changes.items():
            found.setdefault(name, old)
    # A value that was not known is no value to go back to.
    return {name: old for name, old in found.items()
            if name in resource.fields and (old is not None or resource.fields[name].nullable)}  # fmt: skip


def _action(entries: Sequence[Entry], told: Sequence[Told], record: Record) -> Action:
    was_deleted = _was_deleted(entries, told)
    is_new = bool(entries) and entries[0].version == 1
    if record.deleted_at is not None:
        return "restore" if was_deleted is False and not is_new else "nothing"
    if is_new:
        return "part"
    if was_deleted is True:
        return "delete"
    if any(one.action == "create" for one in told):
        return "unlink"
    is_apart = record.crm_id is None and any(one.action == "delete" for one in told)
    return "relink" if is_apart else "set"


def _was_deleted(entries: Sequence[Entry], told: Sequence[Told]) -> bool | None:
    """Tell whether the record was a tombstone before; None when that never changed."""
    for changes in [one.changes for one in entries] + [one.changes for one in told]:
        if journal.DELETED in changes:
            return bool(changes[journal.DELETED][0])
    return None


def steps(work: Work, run_id: str, ids: Sequence[str]) -> list[Step]:
    """Return what takes some records back."""
    entries: dict[str, list[Entry]] = {one: [] for one in ids}
    told: dict[str, list[Told]] = {one: [] for one in ids}
    for entry in journal.of_run(work.tx, run_id, work.resource.name, ids):
        entries[entry.record_id].append(entry)
    for one in crm_changes.of_run(work.tx, run_id, work.resource.name, ids):
        told[one.record_id].append(one)
    work.load(ids=ids)
    found = [before(work.resource, one, entries[one], told[one], work.record(one)) for one in ids]
    return [replace(step, action="part") if step.action == "delete" and _was_there(work, step) else step
            for step in found]  # fmt: skip


def _was_there(work: Work, step: Step) -> bool:
    record = work.record(step.record_id)
    return record is not None and was_there(work, record)


def was_there(work: Work, record: Record) -> bool:
    """Tell whether the CRM had a restored record all the time, so that it is only to go away here again."""
    if record.crm_id is None or crm_changes.is_ours(work.tx, work.resource.name, record.id, record.crm_id):
        return False
    return journal.buried_by(work.tx, work.resource.name, record.id) == "rollback"


def take_back(work: Work, engine: Engine, wanted: Sequence[Step], run_id: str) -> list[Step]:
    """Do steps; return them with why one was left, if it was. The CRM's side is owed, and pushed after."""
    done = [_take_back(work, engine, step, run_id) for step in wanted]
    # What one record had, another may have taken and given back by now.
    return [
        _take_back(work, engine, step, run_id) if step.left is None and tried.left is not None else tried
        for step, tried in zip(wanted, done, strict=True)
    ]


def _take_back(work: Work, engine: Engine, step: Step, run_id: str) -> Step:
    record = work.record(step.record_id)
    if record is None or step.left is not None:
        return step
    try:
        _do(work, engine, record, step, run_id)
    except Taken as error:
        return replace(step, left=error.detail)
    return step


def _do(work: Work, engine: Engine, record: Record, step: Step, run_id: str) -> None:
    if step.action == "restore":
        fields = _changed_there(work, record) | step.fields if step.as_there else step.fields
        _restore(work, engine, record, fields, run_id)
    elif step.action == "delete":
        edits.delete(work, engine, record, "rollback", run_id)
    elif step.action == "part":
        edits.part(work, engine, record, "rollback", run_id)
    elif step.action == "unlink":
        _unlink(work, engine, record, run_id)
        edits.set_fields(work, engine, record, step.fields, "rollback", run_id)
    elif step.action == "relink":
        _relink(work, engine, record)
    elif step.action == "set":
        edits.set_fields(work, engine, record, step.fields, "rollback", run_id)


def _changed_there(work: Work, record: Record) -> Fields:
    copy = work.copy(record.id)
    if copy is None:
        return {}
    names = reconcile.owed(work.resource.pushed_fields, record.fields, copy)
    return {name: copy.fields[name] for name in names if name in copy.fields}


def _restore(work: Work, engine: Engine, record: Record, fields: dict[str, Any], run_id: str) -> None:
    buried_with = record.fields
    record.fields = buried_with | fields  # these are what must be free
    try:
        edits.restore(work, engine, record, "rollback", run_id)
    finally:
        record.fields = buried_with
    edits.set_fields(work, engine, record, fields, "rollback", run_id)


def _unlink(work: Work, engine: Engine, record: Record, run_id: str) -> None:
    """Part with a counterpart that the run created; it is deleted in the CRM after this is stored."""
    copy, crm_id = work.copy(record.id), record.crm_id
    if copy is None or crm_id is None:
        return
    copy.deleted, copy.held = True, []
    work.copies.put(record.id, copy)
    work.outbox.remove(record.id)
    changes = {journal.DELETED: (False, True)}
    now = engine.world.now()
    work.told.append(Told(work.resource.name, record.id, record.version, crm_id, now, "delete", run_id, changes))
    record.crm_id, record.status, record.error = None, "synced", UNDONE
    work.save(record)


def _relink(work: Work, engine: Engine, record: Record) -> None:
    """Let the CRM have a record again that lives here alone."""
    copy = work.copy(record.id)
    if copy is not None:
        tombstone.forget_link(work, record, copy)
    work.owe(record.id, engine.world.now())
    record.status, record.error = "pending", None
    work.save(record)
