"""Queries over all records of a resource, a page at a time."""

from sqlalchemy import Connection, select

from app.core.record import Record
from app.core.resource import Resource
from app.store import records


def live_after(
    tx: Connection, resource: Resource, after: str, limit: int, *, status: str | None = None
) -> list[Record]:
    """Return live records in order of id, those that follow `after`."""
    table = resource.table
    query = select(table.c.id).where(table.c.deleted_at.is_(None), table.c.id > after)
    if status is not None:
        query = query.where(table.c.sync_status == status)
    ids = list(tx.execute(query.order_by(table.c.id).limit(limit)).scalars())
    return records.find(tx, resource, ids=ids) if ids else []
