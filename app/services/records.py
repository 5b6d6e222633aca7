"""Creating, reading, changing and deleting records on behalf of the application."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from app.core.db import reading, transact
from app.core.errors import NotFound, Stale, Taken
from app.core.record import CrmCopy, Fields, Record
from app.core.resource import Resource
from app.store import answers, crm_copies, journal, outbox, records
from app.store.records import Listing, sort_value
from app.sync.engine import Engine
from app.sync.owing import settle_status


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
    whole = {name: fields.get(name) for name in resource.fields}
    record = Record(resource.name, engine.world.new_id(), whole, created_at=now, last_updated=now)
    changed = journal.differences({}, whole)

    def work(tx: Connection) -> Record:
        if claim is not None and not answers.begin(tx, claim.key, claim.fingerprint, resource.name, record.id, now):
            raise Repeated
        _refuse_taken(tx, resource, record)
        records.add(tx, resource, record)
        journal.add(tx, record, changed, "api")
        outbox.mark(tx, resource.name, record.id, now, due_at=_due_at(engine, now, wait=wait))
        return record

    return transact(work)


def change(
    engine: Engine, resource: Resource, record_id: str, fields: Fields, *,
    expected: Collection[int] | None = None, wait: bool = True,
) -> Record:  # fmt: skip
    """Change some fields of a record. Raises NotFound, Taken, and Stale when it is at no version in `expected`."""

    def edit(tx: Connection, record: Record, now: datetime) -> journal.Changed:
        changed = journal.differences(record.fields, record.fields | fields)
        if changed:
            record.fields = record.fields | fields
            _refuse_taken(tx, resource, record)
            record.last_updated = now
        return changed

    return _edit(engine, resource, record_id, expected, edit, wait=wait)


def delete(
    engine: Engine, resource: Resource, record_id: str, *, expected: Collection[int] | None = None, wait: bool = True
) -> Record:
    """Make a tombstone of a record; the CRM hears of it like of any change."""

    def edit(_tx: Connection, record: Record, now: datetime) -> journal.Changed:
        record.deleted_at = record.last_updated = now
        return {journal.DELETED: (False, True)}

    return _edit(engine, resource, record_id, expected, edit, wait=wait)


def _edit(
    engine: Engine, resource: Resource, record_id: str, expected: Collection[int] | None,
    edit: Callable[[Connection, Record, datetime], journal.Changed], *, wait: bool,
) -> Record:  # fmt: skip
    def work(tx: Connection) -> Record:
        now = engine.world.now()
        record = _live(records.get(tx, resource, record_id, lock=True), resource)
        if expected is not None and record.version not in expected:
            wanted = " or ".join(map(str, sorted(expected)))
            raise Stale(f"The {resource.singular} is at version {record.version}, not {wanted}.")
        changed = edit(tx, record, now)
        if changed:
            record.version += 1
            copy = crm_copies.get(tx, resource, record.id)
            _owe(tx, engine, resource, record, copy, now, wait=wait)
            records.save(tx, resource, record)
            journal.add(tx, record, changed, "api")
        return record

    return transact(work)


def _owe(
    tx: Connection, engine: Engine, resource: Resource, record: Record, copy: CrmCopy | None, now: datetime, *,
    wait: bool,
) -> None:  # fmt: skip
    if record.deleted_at is not None and record.crm_id is None and outbox.remove_if_heard(tx, resource.name, record.id):
        record.status, record.error = "synced", None  # the CRM never heard of it
        return
    # An edit is a new chance for a record that was refused, and brings forward one that waits.
    outbox.mark(tx, resource.name, record.id, now, due_at=_due_at(engine, now, wait=wait))
    record.status = "pending"
    settle_status(tx, resource, record, copy, now)


def _due_at(engine: Engine, now: datetime, *, wait: bool) -> datetime:
    return now + timedelta(seconds=engine.push_budget) if wait else now


def get(resource: Resource, record_id: str) -> Record:
    """Fetch a live record. Raises NotFound."""
    with reading() as connection:
        return _live(records.get(connection, resource, record_id), resource)


@dataclass(frozen=True)
class Wanted:
    """One page of a listing, by number or after a position (sort value, id)."""

    filters: dict[str, Any]
    sort: str
    page: int
    per_page: int
    after: tuple[Any, str] | None = None


@dataclass(frozen=True)
class Found:
    """A page of records; `next_after` is the position of its last one when more follow."""

    records: list[Record]
    total: int
    next_after: tuple[Any, str] | None


def listing(resource: Resource, wanted: Wanted) -> Found:
    """Return one page of live records."""
    query = Listing(resource, wanted.filters, wanted.sort)
    with reading() as connection:
        total = query.count(connection)
        if wanted.after is None:
            shown = query.page(connection, wanted.page, wanted.per_page)
            more = len(shown) == wanted.per_page and total > wanted.page * wanted.per_page
        else:
            rows = query.after(connection, *wanted.after, wanted.per_page + 1)
            shown, more = rows[: wanted.per_page], len(rows) > wanted.per_page
    return Found(shown, total, (sort_value(shown[-1], wanted.sort), shown[-1].id) if more else None)


def changes(resource: Resource, record_id: str, limit: int, before: int | None) -> list[dict[str, Any]]:
    """Return the journal of a record, newest first; of a deleted one too. Raises NotFound."""
    with reading() as connection:
        if records.get(connection, resource, record_id) is None:
            raise _missing(resource)
        return journal.of(connection, resource.name, record_id, limit, before)


def _refuse_taken(tx: Connection, resource: Resource, record: Record) -> None:
    name = records.taken(tx, resource, record)
    if name is not None:
        detail = f"Another {resource.singular} has this {name}."
        raise Taken(detail, errors={name: ["Is taken."]})


def _live(record: Record | None, resource: Resource) -> Record:
    if record is None or record.deleted_at is not None:
        raise _missing(resource)
    return record


def _missing(resource: Resource) -> NotFound:
    return NotFound(f"There is no such {resource.singular}.")
