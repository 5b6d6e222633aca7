"""What a unit of work would write, here and then in the CRM, said instead of done."""

from collections.abc import Collection, Iterator
from typing import Any

from app.core.record import Fields, Record, same
from app.core.resource import Resource
from app.store import crm_changes, journal
from app.store.conflicts import Found
from app.store.journal import Changed, Entry
from app.store.outbox import Owed
from app.store.work import Work
from app.sync import task
from app.sync.engine import Engine
from app.sync.tombstone import OURS

Write = dict[str, Any]
BY_US = frozenset({"api", "rollback"})


def writes_of(work: Work, engine: Engine, named: Collection[str] | None = None) -> Iterator[Write]:
    """Return what a unit of work would write: here, and, once it was written, in the CRM.

    There it is what is due of the records that it touches; of those that are `named`, all that nobody else is at.
    """
    for entry in work.journal:
        record = work.record(entry.record_id)
        crm_id = None if record is None else record.crm_id
        yield _write("here", work.resource, entry.record_id, crm_id, _action(entry), entry.changes)
    now = engine.world.now()
    for record_id, owed in (owed_by_touched(work) if named is None else _owed_by(work, named)).items():
        if is_due(engine, owed) if named is None else owed.is_free(now):
            yield from telling(work, record_id, owed)


def deletes_there(work: Work) -> Iterator[Write]:
    """Return the deletions in the CRM that a rollback makes by itself, not through the outbox."""
    for told in work.told:
        yield _write("crm", work.resource, told.record_id, told.crm_id, told.action, {})


def owed_by_touched(work: Work) -> dict[str, Owed]:
    """Return what is owed of the records that a unit of work would change, and that may owe something else then."""
    return _owed_by(work, work.records.touched() | work.copies.touched() | work.outbox.touched())


def _owed_by(work: Work, ids: Collection[str]) -> dict[str, Owed]:
    return {one: owed for one in sorted(ids) if (owed := work.owed(one)) is not None}


def is_due(engine: Engine, owed: Owed) -> bool:
    now = engine.world.now()
    return owed.is_due(now) and owed.is_free(now)


def telling(work: Work, record_id: str, entry: Owed) -> Iterator[Write]:
    """Return the write that an entry stands for, if it is one: a question to the CRM writes nothing."""
    record, copy = work.record(record_id), work.copy(record_id)
    if record is None:
        return
    if OURS in entry.sent and record.deleted_at is None and _is_gone_there(work, record):
        yield _created_anew(work, record)
        return
    found = task.of(work.resource, entry, record, copy, lambda: "")
    if found is None or found.action == "fetch":
        return
    told = {} if copy is None else copy.fields
    fields = {name: (told.get(name), value) for name, value in found.fields.items()}
    yield _write("crm", work.resource, record_id, found.crm_id, found.action, fields)
    if found.action == "create":
        yield from _said_after(work, record, found.fields)


def _said_after(work: Work, record: Record, said: Fields) -> Iterator[Write]:
    """Return what follows a create that is sent as it once was: what has become of the record since."""
    now = {name: value for name, value in record.fields.items() if name in said and not same(value, said[name])}
    if record.deleted_at is not None:
        yield _write("crm", work.resource, record.id, None, "delete", {})
    elif now:
        changed = {name: (said[name], value) for name, value in now.items()}
        yield _write("crm", work.resource, record.id, None, "update", changed)


def _is_gone_there(work: Work, record: Record) -> bool:
    """Tell whether the CRM has deleted the record that was restored here: it will be created there anew."""
    if any(_is_deletion(known.found, record) for known in work.open_conflicts(record.id)):
        return True
    told = crm_changes.of(work.tx, work.resource.name, record.id, 1)
    if told and told[0]["action"] == "delete":
        return True
    buried_by = journal.buried_by(work.tx, work.resource.name, record.id)
    return buried_by is not None and buried_by not in BY_US


def _is_deletion(found: Found, record: Record) -> bool:
    """Tell whether the CRM said that a counterpart is gone, and does not live on in another record."""
    return (found.kind, found.crm_id) == ("deleted", record.crm_id) and not (found.crm or {}).get("merged_into")


def _created_anew(work: Work, record: Record) -> Write:
    fields = {name: (None, record.fields[name]) for name in work.resource.pushed_fields}
    return _write("crm", work.resource, record.id, None, "create", fields)


def _action(entry: Entry) -> str:
    if entry.version == 1:
        return "create"
    return "delete" if entry.changes.get(journal.DELETED) == (False, True) else "update"


def _write(side: str, resource: Resource, record_id: str, crm_id: str | None, action: str, fields: Changed) -> Write:
    return {
        "side": side,
        "resource": resource.name,
        "record_id": record_id,
        "crm_id": crm_id,
        "action": action,
        "fields": {name: {"from": old, "to": new} for name, (old, new) in fields.items()},
    }
