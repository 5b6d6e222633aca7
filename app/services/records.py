"""Creating, reading, changing and deleting records on behalf of the application."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from app.core.db import reading, transact
from app.core.errors import NotFound, ServiceError, Stale, Taken
from app.core.kinds import format_time
from app.core.record import Fields, Record
from app.core.resource import Resource
from app.services.checks import refuse_wrong
from app.services.references import refuse_unknown
from app.store import answers, journal, records
from app.store.journal import Entry
from app.store.work import Work
from app.sync import edits
from app.sync.engine import Engine
from app.sync.following import finish
from app.sync.owing import owes, remove_if_heard, settle_status
from app.sync.unit import within

Results = list[Record | ServiceError]
Edit = Callable[[Work, Record, datetime], journal.Changed]
"""Changes a record within a unit of work; returns what it changed."""


@dataclass(frozen=True)
class Claim:
    """An Idempotency-Key and the fingerprint of the request that it stands for."""

    key: str
    fingerprint: str


class Repeated(Exception):
    """The Idempotency-Key is known already."""


def create(
    engine: Engine, resource: Resource, fields: Fields, *, claim: Claim | None = None, wait: bool = True
) -> Record:
    """Store a new record together with its journal entry and what it owes the CRM.

    With `wait` the caller pushes it at once, so the worker leaves it alone that long. Raises Taken and Repeated.
    """
    now = engine.world.now()
    whole = drafted(engine, resource, fields)
    refuse_wrong(resource, whole)
    record = Record(resource.name, engine.world.new_id(), whole, created_at=now, last_updated=now)
    changed = journal.differences({}, whole)

    def store(tx: Connection) -> Record:
        if claim is not None and not answers.begin(tx, claim.key, claim.fingerprint, resource.name, record.id, now):
            raise Repeated
        work = Work(tx, resource)
        _refuse_taken(work, record)
        refuse_unknown(work, [record])
        work.add(record)
        work.journal.append(Entry.about(record, changed, "api"))
        work.owe(record.id, now, _due_at(engine, now, wait=wait))
        finish(work, engine)
        return record

    return transact(store)


def drafted(engine: Engine, resource: Resource, fields: Fields) -> Fields:
    """Return the whole of a record that is made of these fields, with what follows from them."""
    return _derived(resource, {}, resource.whole(fields), engine.world.now())


def _derived(resource: Resource, before: Fields, after: Fields, now: datetime) -> Fields:
    return after | resource.rules.derive(before, after, format_time(now) or "")


def change(
    engine: Engine, resource: Resource, record_id: str, fields: Fields, *,
    expected: Collection[int] | None = None, wait: bool = True,
) -> Record:  # fmt: skip
    """Change some fields of a record. Raises NotFound, Taken, and Stale when it is at no version in `expected`."""
    return within(
        engine,
        resource,
        lambda work: _edit(work, engine, record_id, expected, _setting(fields), wait=wait),
    )


def change_many(engine: Engine, resource: Resource, edits: Mapping[str, Fields], *, atomic: bool = False) -> Results:
    """Change records by id in one transaction, due to be pushed now; return each, or why it was not changed.

    Raises what is wrong with the first one when `atomic` and not every edit is good.
    """

    def change_all(work: Work) -> Results:
        results: Results = []
        for record_id, fields in edits.items():
            try:
                results.append(_edit(work, engine, record_id, None, _setting(fields), wait=False))
            except ServiceError as error:
                if atomic:
                    raise
                results.append(error)
        return results

    return within(engine, resource, change_all, ids=edits)


def _setting(fields: Fields) -> Edit:
    """Return the edit that sets some fields."""

    def edit(work: Work, record: Record, now: datetime) -> journal.Changed:
        changed = journal.differences(record.fields, record.fields | fields)
        if changed:
            after = replace(record, fields=_derived(work.resource, record.fields, record.fields | fields, now))
            changed = journal.differences(record.fields, after.fields)
            refuse_wrong(work.resource, after.fields, record.fields)
            _refuse_taken(work, after)
            refuse_unknown(work, [after], changed)
            record.fields, record.last_updated = after.fields, now
        return changed

    return edit


def delete(
    engine: Engine, resource: Resource, record_id: str, *, expected: Collection[int] | None = None, wait: bool = True
) -> Record:
    """Make a tombstone of a record; the CRM hears of it like of any change."""

    def edit(_work: Work, record: Record, now: datetime) -> journal.Changed:
        record.deleted_at = record.last_updated = now
        return {journal.DELETED: (False, True)}

    return within(engine, resource, lambda work: _edit(work, engine, record_id, expected, edit, wait=wait))


def _edit(
    work: Work, engine: Engine, record_id: str, expected: Collection[int] | None, edit: Edit, *, wait: bool
) -> Record:
    now, resource = engine.world.now(), work.resource
    record = _live(work.record(record_id), resource)
    if expected is not None and record.version not in expected:
        wanted = " or ".join(map(str, sorted(expected)))
        raise Stale(f"The {resource.singular} is at version {record.version}, not {wanted}.")
    changed = edit(work, record, now)
    if changed:
        record.version += 1
        _owe(work, record, now, _due_at(engine, now, wait=wait))
        work.save(record)
        work.journal.append(Entry.about(record, changed, "api"))
    return record


def restore(engine: Engine, resource: Resource, record_id: str) -> Record:
    """Bring a tombstone back, here and in the CRM; a record that lives is returned as it is. Raises NotFound, Taken."""

    def bring_back(work: Work) -> Record:
        record = work.record(record_id)
        if record is None:
            raise _missing(resource)
        if record.deleted_at is not None:
            edits.restore(work, engine, record, "api")
        return record

    return within(engine, resource, bring_back)


def _owe(work: Work, record: Record, now: datetime, due_at: datetime) -> None:
    copy = work.copy(record.id)
    if record.deleted_at is not None and record.crm_id is None and remove_if_heard(work, record.id):
        record.status, record.error = "synced", None  # the CRM never heard of it
    elif owes(work.resource, record, copy) or work.owed(record.id) is not None:
        # An edit is a new chance for a record that was refused, and brings forward one that waits.
        work.owe(record.id, now, due_at)
        record.status = "pending"
    settle_status(work, record, copy, now)


def _due_at(engine: Engine, now: datetime, *, wait: bool) -> datetime:
    return now + timedelta(seconds=engine.push_budget) if wait else now


def get(resource: Resource, record_id: str) -> Record:
    """Fetch a live record. Raises NotFound."""
    with reading() as connection:
        return _live(records.get(connection, resource, record_id), resource)


def changes(resource: Resource, record_id: str, limit: int, before: int | None) -> list[dict[str, Any]]:
    """Return the journal of a record, newest first; of a deleted one too. Raises NotFound."""
    with reading() as connection:
        if records.get(connection, resource, record_id) is None:
            raise _missing(resource)
        return journal.of(connection, resource.name, record_id, limit, before)


def _refuse_taken(work: Work, record: Record) -> None:
    for name in work.resource.unique_fields:
        other = work.holder(name, record.fields[name])
        if other is not None and other.id != record.id:
            detail = f"Another {work.resource.singular} has this {name}."
            raise Taken(detail, errors={name: ["Is taken."]})


def _live(record: Record | None, resource: Resource) -> Record:
    if record is None or record.deleted_at is not None:
        raise _missing(resource)
    return record


def _missing(resource: Resource) -> NotFound:
    return NotFound(f"There is no such {resource.singular}.")
