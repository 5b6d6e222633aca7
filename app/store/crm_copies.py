"""What the CRM last told us about each record, stored in the CRM's own form."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, delete, select

from app.core import mapping
from app.core.kinds import format_time, parse_time
from app.core.record import CrmCopy, Stamp
from app.core.resource import Resource
from app.store.tables import crm_copies as table
from app.store.upsert import in_parts, upsert


def get(tx: Connection, resource: Resource, record_id: str) -> CrmCopy | None:
    return get_many(tx, resource, [record_id]).get(record_id)


def get_many(tx: Connection, resource: Resource, ids: Iterable[str]) -> dict[str, CrmCopy]:
    query = select(table).where(table.c.resource == resource.name, table.c.record_id.in_(list(ids)))
    return {row.record_id: _copy(resource, row) for row in tx.execute(query)}


def versions(tx: Connection, resource: Resource, crm_ids: Iterable[str]) -> dict[str, tuple[int | None, bool]]:
    """Return by crm_id the version that is known whole, and whether the record is deleted there."""
    query = select(table.c.crm_id, table.c.version, table.c.deleted).where(table.c.resource == resource.name)
    found: dict[str, tuple[int | None, bool]] = {}
    for part in in_parts(crm_ids):
        found |= {
            row.crm_id: (row.version, bool(row.deleted)) for row in tx.execute(query.where(table.c.crm_id.in_(part)))
        }
    return found


def save(tx: Connection, resource: Resource, record_id: str, copy: CrmCopy) -> None:
    row = {
        "resource": resource.name,
        "record_id": record_id,
        "crm_id": copy.crm_id,
        "fields": mapping.to_crm(resource, copy.fields),
        "version": copy.version,
        "stamps": {name: [stamp.version, format_time(stamp.at)] for name, stamp in copy.stamps.items()},
        "same_as": copy.same_as,
        "held": copy.held,
        "deleted": int(copy.deleted),
    }
    upsert(tx, table, row)


def remove(tx: Connection, resource: Resource, record_id: str) -> None:
    """Forget what the CRM told us: the record has no counterpart there any more."""
    tx.execute(delete(table).where(table.c.resource == resource.name, table.c.record_id == record_id))


def _copy(resource: Resource, row: Row[Any]) -> CrmCopy:
    fields, _ = mapping.from_crm(resource, row.fields)
    return CrmCopy(
        crm_id=row.crm_id,
        fields=fields,
        version=row.version,
        stamps={name: Stamp(version, parse_time(at)) for name, (version, at) in row.stamps.items()},
        same_as=dict(row.same_as),
        held=list(row.held),
        deleted=bool(row.deleted),
    )
