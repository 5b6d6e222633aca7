"""The journal: who changed which fields of which record, from what to what. Written with the change, never edited."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select

from app.core.kinds import format_time
from app.core.record import Fields, Origin, Record, same
from app.store.tables import journal as table
from app.store.upsert import one_of, write

Changed = dict[str, tuple[Any, Any]]
DELETED = "deleted"
_ADD = insert(table)
_OF_RUN = (
    select(table)
    .where(table.c.run_id == bindparam("run"), table.c.resource == bindparam("of"), one_of(table.c.record_id, "ids"))
    .order_by(table.c.id)
)
_AT_OF_THOSE = (
    select(table.c.record_id, table.c.at)
    .where(table.c.resource == bindparam("of"), one_of(table.c.record_id, "ids"))
    .order_by(table.c.id)
)


def differences(before: Fields, after: Fields) -> Changed:
    """Return the fields whose value differs: name → (from, to)."""
    return {name: (before.get(name), value) for name, value in after.items() if not same(before.get(name), value)}


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of one record, which is at its new version already."""

    resource: str
    record_id: str
    version: int
    at: datetime
    origin: Origin
    run_id: str | None
    changes: Changed

    @classmethod
    def about(cls, record: Record, changed: Changed, origin: Origin, run_id: str | None = None) -> "Entry":
        at = record.last_updated if record.deleted_at is None else record.deleted_at
        return cls(record.resource, record.id, record.version, at, origin, run_id, changed)


def add(tx: Connection, entries: Sequence[Entry]) -> None:
    rows = [
        {
            "resource": entry.resource,
            "record_id": entry.record_id,
            "version": entry.version,
            "at": entry.at,
            "origin": entry.origin,
            "run_id": entry.run_id,
            "changes": {name: list(pair) for name, pair in entry.changes.items()},
        }
        for entry in entries
    ]
    write(tx, _ADD, rows)


def of(tx: Connection, resource: str, record_id: str, limit: int, before: int | None = None) -> list[dict[str, Any]]:
    """Return a record's journal, newest first, an item for each field that changed."""
    query = select(table).where(table.c.resource == resource, table.c.record_id == record_id)
    if before is not None:
        query = query.where(table.c.id < before)
    return [
        {
            "id": row.id,
            "at": format_time(row.at),
            "by": row.origin,
            "field": name,
            "from": old,
            "to": new,
            "version": row.version,
            "run_id": row.run_id,
        }
        for row in tx.execute(query.order_by(table.c.id.desc()).limit(limit))
        for name, (old, new) in sorted(row.changes.items())
    ]


def last_set(tx: Connection, resource: str, record_id: str) -> dict[str, dict[str, Any]]:
    """Return for each field who set it last, when, and in which run."""
    query = select(table).where(table.c.resource == resource, table.c.record_id == record_id).order_by(table.c.id)
    return {
        name: {"by": row.origin, "at": format_time(row.at), "run_id": row.run_id}
        for row in tx.execute(query)
        for name in row.changes
    }


def buried_by(tx: Connection, resource: str, record_id: str) -> str | None:
    """Return who made a tombstone of a record the last time."""
    query = select(table).where(table.c.resource == resource, table.c.record_id == record_id)
    rows = tx.execute(query.order_by(table.c.id.desc()))
    return next((row.origin for row in rows if row.changes.get(DELETED) == [False, True]), None)


def get(tx: Connection, identity: int) -> Entry | None:
    row = tx.execute(select(table).where(table.c.id == identity)).one_or_none()
    return None if row is None else _entry(row)


def of_run(tx: Connection, run_id: str, resource: str, ids: Collection[str]) -> list[Entry]:
    """Return what a run changed in some records, in the order in which it did."""
    return [_entry(row) for row in tx.execute(_OF_RUN, {"run": run_id, "of": resource, "ids": ids})]


def _entry(row: Row[Any]) -> Entry:
    changes = {name: (old, new) for name, (old, new) in row.changes.items()}
    return Entry(row.resource, row.record_id, row.version, row.at, row.origin, row.run_id, changes)


def set_at(tx: Connection, resource: str, ids: Collection[str], name: str) -> dict[str, datetime]:
    """Return when a field of some records was last changed, on whichever side."""
    # As text: what is not there is NULL in PostgreSQL, and the JSON "null" in SQLite.
    query = _AT_OF_THOSE.where(table.c.changes[name].as_string().is_not(None))
    return {row.record_id: row.at for row in tx.execute(query, {"of": resource, "ids": ids})}


def count(tx: Connection, resource: str, record_id: str) -> int:
    where = (table.c.resource == resource, table.c.record_id == record_id)
    return tx.execute(select(func.count()).select_from(table).where(*where)).scalar_one()
