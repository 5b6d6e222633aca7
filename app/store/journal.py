"""The journal: who changed which fields of which record, from what to what. Written with the change, never edited."""

from typing import Any

from sqlalchemy import Connection, func, insert, select

from app.core.kinds import format_time
from app.core.record import Fields, Origin, Record
from app.store.tables import journal as table

Changed = dict[str, tuple[Any, Any]]
DELETED = "deleted"


def differences(before: Fields, after: Fields) -> Changed:
    """Return the fields whose value differs: name → (from, to)."""
    return {name: (before.get(name), value) for name, value in after.items() if before.get(name) != value}


def add(tx: Connection, record: Record, changed: Changed, origin: Origin, run_id: str | None = None) -> None:
    """Write one entry about a record that is at its new version already."""
    row = {
        "resource": record.resource,
        "record_id": record.id,
        "version": record.version,
        "at": record.last_updated if record.deleted_at is None else record.deleted_at,
        "origin": origin,
        "run_id": run_id,
        "changes": {name: list(pair) for name, pair in changed.items()},
    }
    tx.execute(insert(table), row)


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


def count(tx: Connection, resource: str, record_id: str) -> int:
    where = (table.c.resource == resource, table.c.record_id == record_id)
    return tx.execute(select(func.count()).select_from(table).where(*where)).scalar_one()
