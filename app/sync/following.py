"""The end of a unit of work: what its changes mean for other records is done in the same transaction."""

import structlog

from app.core.record import CrmCopy, Fields, Record
from app.core.rules import NO_RULES, Effect, Seen
from app.store import records
from app.store.journal import DELETED, Entry, differences
from app.store.work import Work
from app.sync import edits, handover
from app.sync.engine import Engine
from app.sync.owing import settle_status

log = structlog.get_logger(__name__)


def finish(work: Work, engine: Engine) -> None:
    """Write a unit of work, and what follows from it."""
    if work.resource.rules is not NO_RULES and work.journal:
        _announce(work, engine)
        _follow(work, engine)
    handover.write(work, engine)
    if work.linked_anew:
        _name_anew(work, engine)


def _name_anew(work: Work, engine: Engine) -> None:
    """Let what refers to a record that is in the CRM again tell the CRM so: there it still names the old one."""
    now = engine.world.now()
    for child, name in work.resource.children:
        found = records.where(work.tx, child, name, work.linked_anew)
        other = Work(work.tx, child)
        other.load(ids=[identity for identity, _ in found])
        for identity, parent in found:
            record, copy = other.record(identity), other.copy(identity)
            if record is not None and copy is not None and _is_named(copy, name, parent):
                copy.fields[name] = None  # who is no more in the CRM is nobody there
                copy.same_as.pop(name, None)
                other.copies.put(identity, copy)
                settle_status(other, record, copy, now)
                other.save(record)
        other.flush(now)


def _is_named(copy: CrmCopy, name: str, parent: str) -> bool:
    """Tell whether the CRM names a record by the id that it had, or nobody, because we had no id of it to say."""
    told = copy.fields.get(name)
    return told == parent or (told is None and copy.same_as.get(name) == parent)


def _announce(work: Work, engine: Engine) -> None:
    for entry in (one for one in work.journal if one.version > 1):
        for name in entry.changes.keys() & set(work.resource.rules.announced):
            log.info("announced", resource=entry.resource, record=entry.record_id, field=name, by=entry.origin)
            engine.count("announced", resource=entry.resource, field=name)


def _follow(work: Work, engine: Engine) -> None:
    found = [(effect, entry) for entry in work.journal for effect in work.resource.rules.follow(_seen(work, entry))]
    for name in sorted({effect.resource for effect, _ in found} & engine.registry.keys()):
        other = Work(work.tx, engine.registry[name])
        mine = [(effect, entry) for effect, entry in found if effect.resource == name]
        for field in sorted({effect.field for effect, _ in mine}):
            _take_effect(other, engine, field, [pair for pair in mine if pair[0].field == field])
        handover.write(other, engine)


def _seen(work: Work, entry: Entry) -> Seen:
    record = work.record(entry.record_id)
    assert record is not None
    before = record.fields | {name: old for name, (old, _) in entry.changes.items() if name != DELETED}
    gone, back = entry.changes.get(DELETED, (None, None))
    is_new = entry.version == 1 or (gone and not back)
    return Seen(record.id, None if is_new else before, None if record.deleted_at is not None else record.fields)


def _take_effect(work: Work, engine: Engine, field: str, effects: list[tuple[Effect, Entry]]) -> None:
    values = {effect.value for effect, _ in effects}
    found = records.where(work.tx, work.resource, field, values)
    work.load(ids=[identity for identity, _ in found])
    for effect, entry in effects:
        named = [work.record(identity) for identity, value in found if value == effect.value]
        live = [record for record in named if record is not None and record.deleted_at is None]
        for record in live:
            _change(work, engine, record, effect.change(record.fields), entry)
        if not live and effect.otherwise is not None:
            made = edits.create(work, engine, effect.otherwise, "rule", entry.run_id)
            found.append((made.id, effect.value))


def _change(work: Work, engine: Engine, record: Record, fields: Fields | None, entry: Entry) -> None:
    if fields is None:
        edits.delete(work, engine, record, "rule", entry.run_id)
    elif differences(record.fields, record.fields | fields):
        edits.set_fields(work, engine, record, fields, "rule", entry.run_id)
