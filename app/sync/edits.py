"""Changes that somebody makes here besides the plain edits: chosen values, restored tombstones, what is undone."""

from dataclasses import replace
from typing import Any

from app.core.errors import Taken
from app.core.record import Fields, Origin, Record
from app.store import journal
from app.store.journal import Changed, Entry
from app.store.work import Work
from app.sync.engine import Engine
from app.sync.owing import remove_if_heard, settle_status
from app.sync.reconcile import known_no_more
from app.sync.tombstone import OURS


def set_fields(
    work: Work, engine: Engine, record: Record, fields: Fields, origin: Origin, run_id: str | None = None
) -> Changed:
    """Change a record; what the CRM has to hear of it is owed from now on. Raises Taken."""
    changed = journal.differences(record.fields, record.fields | fields)
    if changed:
        _refuse_taken(work, record, record.fields | fields)
        record.fields = record.fields | fields
        _note(work, engine, record, changed, origin, run_id)
    _owe_anew(work, engine, record)
    return changed


def create(work: Work, engine: Engine, fields: Fields, origin: Origin, run_id: str | None = None) -> Record:
    """Make a record that the CRM hears of like of any other. Raises Taken."""
    now = engine.world.now()
    whole = work.resource.whole(fields)
    record = Record(work.resource.name, engine.world.new_id(), whole, created_at=now, last_updated=now)
    _refuse_taken(work, record, record.fields)
    work.add(record)
    work.journal.append(Entry.about(record, journal.differences({}, record.fields), origin, run_id))
    work.owe(record.id, now)
    return record


def restore(work: Work, engine: Engine, record: Record, origin: Origin, run_id: str | None = None) -> None:
    """Bring a tombstone back to life. Raises Taken when another record has its place by now.

    Whether the CRM still has its counterpart is found out by the next push, which creates it anew if not.
    """
    _refuse_taken(work, record, record.fields)
    record.deleted_at = None
    _note(work, engine, record, {journal.DELETED: (True, False)}, origin, run_id)
    copy = work.copy(record.id)
    work.owe(record.id, engine.world.now())
    if copy is not None and record.crm_id is not None:
        copy.deleted = False  # the stamps stay: what was on the way before is old news still
        # What waited for a person when it was deleted is put to the policy anew.
        copy.fields = {name: value for name, value in copy.fields.items() if name not in copy.held}
        copy.same_as = {name: value for name, value in copy.same_as.items() if name not in copy.held}
        copy.held = []
        copy.version = known_no_more(copy.version)
        work.copies.put(record.id, copy)
        entry = work.owed(record.id)
        assert entry is not None
        work.outbox.put(record.id, replace(entry, sent=(*entry.sent, OURS)))
    record.status, record.error = "pending", None
    work.save(record)


def delete(work: Work, engine: Engine, record: Record, origin: Origin, run_id: str | None = None) -> None:
    """Make a tombstone that is pushed like any change."""
    record.deleted_at = engine.world.now()
    _note(work, engine, record, {journal.DELETED: (False, True)}, origin, run_id)
    if record.crm_id is None and remove_if_heard(work, record.id):
        record.status, record.error = "synced", None  # the CRM never heard of it
    _owe_anew(work, engine, record)


def part(work: Work, engine: Engine, record: Record, origin: Origin, run_id: str | None = None) -> None:
    """Take a record out here and leave the CRM's as it is: from now on it is none of ours."""
    record.deleted_at = engine.world.now()
    _note(work, engine, record, {journal.DELETED: (False, True)}, origin, run_id)
    copy = work.copy(record.id)
    if copy is not None:
        copy.deleted = True
        work.copies.put(record.id, copy)
    work.outbox.remove(record.id)
    record.status, record.error = "synced", None
    work.save(record)


def _note(work: Work, engine: Engine, record: Record, changed: Changed, origin: Origin, run_id: str | None) -> None:
    record.version += 1
    record.last_updated = max(engine.world.now(), record.last_updated)
    work.journal.append(Entry.about(record, changed, origin, run_id))


def _owe_anew(work: Work, engine: Engine, record: Record) -> None:
    """A record that was refused gets a new chance."""
    if record.status == "failed":
        record.status = "pending"
        work.owe(record.id, engine.world.now())
    settle_status(work, record, work.copy(record.id), engine.world.now())
    work.save(record)


def _refuse_taken(work: Work, record: Record, fields: dict[str, Any]) -> None:
    for name in work.resource.unique_fields:
        other = work.holder(name, fields[name])
        if other is not None and other.id != record.id:
            raise Taken(f"Another {work.resource.singular} has this {name}.", errors={name: ["Is taken."]})
