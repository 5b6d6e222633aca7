"""Conflicts: what both sides changed, with both values, who won and why. Kept for ever."""

from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, Literal

from sqlalchemy import Connection, Row, func, insert, select

from app.core.kinds import format_time
from app.store.tables import conflicts as table

Kind = Literal["field", "duplicate", "deleted", "invalid"]
OPEN, RESOLVED = "open", "resolved"


@dataclass(frozen=True, slots=True)
class Found:
    """A conflict as the merge finds it. `resolution` is None when a person has to decide."""

    kind: Kind
    crm_id: str
    record_id: str | None = None
    field: str | None = None
    last_told: Any = None
    local: Any = None
    crm: Any = None
    policy: str | None = None
    resolution: str | None = None
    note: str | None = None


def add(tx: Connection, resource: str, identity: str, found: Found, now: datetime, run_id: str | None = None) -> bool:
    """Write a conflict down; one that is open with the same values is not repeated (False)."""
    if found.resolution is None and _is_open(tx, resource, found):
        return False
    row = {
        "id": identity,
        "resource": resource,
        "record_id": found.record_id,
        "crm_id": found.crm_id,
        "kind": found.kind,
        "field": found.field,
        "last_told": found.last_told,
        "local_value": found.local,
        "crm_value": storable(found.crm),
        "policy": found.policy,
        "status": OPEN if found.resolution is None else RESOLVED,
        "resolution": found.resolution,
        "note": found.note,
        "run_id": run_id,
        "created_at": now,
        "resolved_at": None if found.resolution is None else now,
    }
    tx.execute(insert(table), row)
    return True


def storable(value: Any) -> Any:
    """Return what a CRM said in a form that every database can hold: no NUL, no half characters, no NaN."""
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {storable(name): storable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [storable(inner) for inner in value]
    return str(value) if isinstance(value, float) and not isfinite(value) else value


def count_open(tx: Connection, resource: str, record_id: str | None = None) -> int:
    where = [table.c.resource == resource, table.c.status == OPEN]
    if record_id is not None:
        where.append(table.c.record_id == record_id)
    return tx.execute(select(func.count()).select_from(table).where(*where)).scalar_one()


def listing(tx: Connection, filters: dict[str, Any], limit: int, offset: int) -> list[dict[str, Any]]:
    """Return conflicts, newest first."""
    query = select(table).where(*(table.c[name] == value for name, value in filters.items()))
    newest_first = query.order_by(table.c.created_at.desc(), table.c.id.desc())
    return [_shown(row) for row in tx.execute(newest_first.limit(limit).offset(offset))]


def count(tx: Connection, filters: dict[str, Any]) -> int:
    where = [table.c[name] == value for name, value in filters.items()]
    return tx.execute(select(func.count()).select_from(table).where(*where)).scalar_one()


def _is_open(tx: Connection, resource: str, found: Found) -> bool:
    where = [
        table.c.resource == resource,
        table.c.crm_id == found.crm_id,
        table.c.kind == found.kind,
        table.c.status == OPEN,
    ]
    rows = tx.execute(select(table).where(*where))
    mine = (found.record_id, found.field, storable(found.crm))
    return any((row.record_id, row.field, row.crm_value) == mine for row in rows)


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "resource": row.resource,
        "record_id": row.record_id,
        "crm_id": row.crm_id,
        "kind": row.kind,
        "field": row.field,
        "last_told": row.last_told,
        "local": row.local_value,
        "crm": row.crm_value,
        "policy": row.policy,
        "status": row.status,
        "resolution": row.resolution,
        "note": row.note,
        "run_id": row.run_id,
        "created_at": format_time(row.created_at),
        "resolved_at": format_time(row.resolved_at),
    }
