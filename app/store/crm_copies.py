"""What the CRM last told us about each record, stored in the CRM's own form."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, select

from app.core import mapping
from app.core.kinds import format_time, parse_time
from app.core.record import CrmCopy, Stamp
from app.core.resource import Resource
from app.store.tables import crm_copies as table
from app.store.upsert import one_of, upsert

_OF = table.c.resource == bindparam("of")
_THOSE = select(table).where(_OF, one_of(table.c.record_id, "ids"))
_VERSIONS = select(table.c.crm_id, table.c.version, table.c.deleted).where(_OF, one_of(table.c.crm_id, "crm_ids"))
_KEPT = select(table.c.crm_id, table.c.record_id).where(_OF, one_of(table.c.crm_id, "crm_ids"))
_REMOVE = delete(table).where(_OF, one_of(table.c.record_id, "ids"))


def get(tx: Connection, resource: Resource, record_id: str) -> CrmCopy | None:
    return get_many(tx, resource, [record_id]).get(record_id)


def get_many(tx: Connection, resource: Resource, ids: Collection[str]) -> dict[str, CrmCopy]:
    return {row.record_id: _copy(resource, row) for row in tx.execute(_THOSE, {"of": resource.name, "ids": ids})}


def versions(tx: Connection, resource: Resource, crm_ids: Collection[str]) -> dict[str, tuple[int | None, bool]]:
    """Return by crm_id the version that is known whole, and whether the record is deleted there."""
    rows = tx.execute(_VERSIONS, {"of": resource.name, "crm_ids": crm_ids})
    return {row.crm_id: (row.version, bool(row.deleted)) for row in rows}


def kept(tx: Connection, resource: str, crm_ids: Collection[str]) -> list[tuple[str, str]]:
    """Return by crm_id whose last counterpart it was, linked with it still or not."""
    if not crm_ids:
        return []
    found = tx.execute(_KEPT.order_by(table.c.record_id), {"of": resource, "crm_ids": crm_ids})
    return [(row.crm_id, row.record_id) for row in found]


def save(tx: Connection, resource: Resource, copies: Mapping[str, CrmCopy]) -> None:
    """Write copies, by the id of their record."""
    upsert(tx, table, *(_row(resource, record_id, copy) for record_id, copy in copies.items()))


def remove(tx: Connection, resource: Resource, ids: Collection[str]) -> None:
    """Forget what the CRM told us of these records."""
    tx.execute(_REMOVE, {"of": resource.name, "ids": ids})


def _row(resource: Resource, record_id: str, copy: CrmCopy) -> dict[str, Any]:
    return {
        "resource": resource.name,
        "record_id": record_id,
        "crm_id": copy.crm_id,
        "fields": mapping.to_crm(resource, copy.fields),
        "version": copy.version,
        "stamps": _stamps(copy),
        "same_as": copy.same_as,
        "held": copy.held,
        "deleted": int(copy.deleted),
        "former": copy.former,
    }


def _stamps(copy: CrmCopy) -> dict[str, list[Any]]:
    """Return the stamps as they are stored; most fields share one."""
    written = {stamp: [stamp.version, format_time(stamp.at)] for stamp in set(copy.stamps.values())}
    return {name: written[stamp] for name, stamp in copy.stamps.items()}


def _read_stamps(written: dict[str, list[Any]]) -> dict[str, Stamp]:
    read = {pair: Stamp(pair[0], parse_time(pair[1])) for pair in {tuple(one) for one in written.values()}}
    return {name: read[tuple(one)] for name, one in written.items()}


def _copy(resource: Resource, row: Row[Any]) -> CrmCopy:
    return CrmCopy(
        crm_id=row.crm_id,
        fields=mapping.kept(resource, row.fields),
        version=row.version,
        stamps=_read_stamps(row.stamps),
        same_as=dict(row.same_as),
        held=list(row.held),
        deleted=bool(row.deleted),
        former=list(row.former),
    )
