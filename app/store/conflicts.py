"""Conflicts: what both sides changed, with both values, who won and why. Kept for ever."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, func, or_, select, union_all

from app.core.kinds import format_time
from app.store.tables import conflicts as table
from app.store.upsert import one_of, upsert

Kind = Literal["field", "duplicate", "deleted", "invalid"]
OPEN, RESOLVED = "open", "resolved"
_OLDEST_FIRST = select(table).where(table.c.resource == bindparam("of")).order_by(table.c.created_at, table.c.id)
_TURNED_DOWN = and_(table.c.kind == "duplicate", table.c.resolution == "local")
_ABOUT = (
    select(table).where(
        table.c.resource == bindparam("of"),
        or_(table.c.status == OPEN, _TURNED_DOWN),
        one_of(table.c[name], f"{name}s"),
    )
    for name in ("record_id", "crm_id")
)
_STANDING = union_all(*_ABOUT).order_by("created_at", "id")  # one query with OR would read all there ever were
_WAITING = _OLDEST_FIRST.where(table.c.status == OPEN, table.c.kind == "duplicate", table.c.field.is_not(None))
_COUNT_OPEN = select(func.count()).select_from(table).where(table.c.resource == bindparam("of"), table.c.status == OPEN)
_COUNT_OPEN_OF_ONE = _COUNT_OPEN.where(table.c.record_id == bindparam("one"))


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


@dataclass(frozen=True, slots=True)
class Known:
    """A conflict as it is written down."""

    id: str
    resource: str
    found: Found
    status: str
    run_id: str | None
    created_at: datetime
    resolved_at: datetime | None = None
    resolved_by: str | None = None

    def is_about(self, found: Found) -> bool:
        """Tell whether it speaks of the same thing, whatever the values are by now."""
        mine = self.found
        return (mine.kind, mine.record_id, mine.crm_id, mine.field) == (
            found.kind,
            found.record_id,
            found.crm_id,
            found.field,
        )

    @property
    def misnames(self) -> bool:
        """Tell whether it came of a create answered with the id of another's record; `local` is what that said."""
        return (self.found.kind, self.found.field) == ("duplicate", None) and isinstance(self.found.local, dict)

    @property
    def is_turned_down(self) -> bool:
        """Tell whether it is a claim that a person has said no to."""
        return self.status == RESOLVED and (self.found.kind, self.found.resolution) == ("duplicate", "local")

    def resolved(self, resolution: str, by: str, now: datetime, note: str | None = None) -> "Known":
        found = replace(self.found, resolution=resolution, note=note or self.found.note)
        return replace(self, found=found, status=RESOLVED, resolved_at=now, resolved_by=by)


def begin(resource: str, identity: str, found: Found, now: datetime, run_id: str | None) -> Known:
    """Return a new conflict: open, or resolved by the policy already."""
    known = Known(identity, resource, found, OPEN, run_id, now)
    return known if found.resolution is None else known.resolved(found.resolution, "policy", now)


def save(tx: Connection, conflicts: Sequence[Known]) -> None:
    """Write conflicts as they now are."""
    upsert(tx, table, *(_row(one) for one in conflicts))


def get(tx: Connection, identity: str) -> Known | None:
    row = tx.execute(select(table).where(table.c.id == identity)).one_or_none()
    return None if row is None else _known(row)


def standing(tx: Connection, resource: str, ids: Collection[str], crm_ids: Collection[str]) -> list[Known]:
    """Return what is open about some of our records and some of the CRM's, and the claims that were turned down.

    What is about both comes twice.
    """
    about = {"of": resource, "record_ids": ids, "crm_ids": crm_ids}
    return [_known(row) for row in tx.execute(_STANDING, about)]


def waiting(tx: Connection, resource: str) -> list[Known]:
    """Return what is open about unique values that two records want."""
    return [_known(row) for row in tx.execute(_WAITING, {"of": resource})]


def open_after(tx: Connection, filters: dict[str, Any], after: str, limit: int) -> list[Known]:
    """Return open conflicts in order of id, a page at a time."""
    query = select(table).where(table.c.status == OPEN, table.c.id > after, *_where(filters))
    return [_known(row) for row in tx.execute(query.order_by(table.c.id).limit(limit))]


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
    query = _COUNT_OPEN if record_id is None else _COUNT_OPEN_OF_ONE
    return tx.execute(query, {"of": resource, "one": record_id}).scalar_one()


def listing(tx: Connection, filters: dict[str, Any], limit: int, offset: int) -> list[dict[str, Any]]:
    """Return conflicts, newest first."""
    query = select(table).where(*_where(filters))
    newest_first = query.order_by(table.c.created_at.desc(), table.c.id.desc())
    return [shown(_known(row)) for row in tx.execute(newest_first.limit(limit).offset(offset))]


def count(tx: Connection, filters: dict[str, Any]) -> int:
    return tx.execute(select(func.count()).select_from(table).where(*_where(filters))).scalar_one()


def _where(filters: dict[str, Any]) -> list[ColumnElement[bool]]:
    """Return the conditions of a list: a value, or a list of ids."""
    return [table.c[name].in_(value) if isinstance(value, list) else table.c[name] == value
            for name, value in filters.items()]  # fmt: skip


def _row(known: Known) -> dict[str, Any]:
    found = known.found
    return {
        "id": known.id,
        "resource": known.resource,
        "record_id": found.record_id,
        "crm_id": found.crm_id,
        "kind": found.kind,
        "field": found.field,
        "last_told": found.last_told,
        "local_value": found.local,
        "crm_value": storable(found.crm),
        "policy": found.policy,
        "status": known.status,
        "resolution": found.resolution,
        "note": found.note,
        "run_id": known.run_id,
        "created_at": known.created_at,
        "resolved_at": known.resolved_at,
        "resolved_by": known.resolved_by,
    }


def _known(row: Row[Any]) -> Known:
    found = Found(
        kind=row.kind,
        crm_id=row.crm_id,
        record_id=row.record_id,
        field=row.field,
        last_told=row.last_told,
        local=row.local_value,
        crm=row.crm_value,
        policy=row.policy,
        resolution=row.resolution,
        note=row.note,
    )
    return Known(row.id, row.resource, found, row.status, row.run_id, row.created_at, row.resolved_at, row.resolved_by)


def shown(known: Known) -> dict[str, Any]:
    """Return a conflict as the API shows it."""
    found = known.found
    return {
        "id": known.id,
        "resource": known.resource,
        "record_id": found.record_id,
        "crm_id": found.crm_id,
        "kind": found.kind,
        "field": found.field,
        "last_told": found.last_told,
        "local": found.local,
        "crm": found.crm,
        "policy": found.policy,
        "status": known.status,
        "resolution": found.resolution,
        "note": found.note,
        "run_id": known.run_id,
        "created_at": format_time(known.created_at),
        "resolved_at": format_time(known.resolved_at),
        "resolved_by": known.resolved_by,
    }
