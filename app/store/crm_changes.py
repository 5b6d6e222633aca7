"""What we changed in the CRM: the journal of the other side."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, Table, bindparam, delete, insert, select, union

from app.core.kinds import format_time
from app.core.record import same
from app.store.journal import Changed
from app.store.tables import crm_changes as table
from app.store.tables import journal
from app.store.upsert import one_of, write

Action = Literal["create", "update", "delete"]
_ADD = insert(table)
_OF_RUN = (table.c.run_id == bindparam("run"), table.c.resource == bindparam("of"))
_THOSE_OF_RUN = select(table).where(*_OF_RUN, one_of(table.c.record_id, "ids")).order_by(table.c.id)
_TOUCHED = union(
    *(
        select(of.c.record_id).where(
            of.c.run_id == bindparam("run"), of.c.resource == bindparam("of"), one_of(of.c.record_id, "ids")
        )
        for of in (journal, table)
    )
)


@dataclass(frozen=True, slots=True)
class Told:
    """One write that the CRM has taken. `changes` are by our names: what it held before, what it holds now."""

    resource: str
    record_id: str
    version: int
    crm_id: str
    at: datetime
    action: Action
    run_id: str | None
    changes: Changed


_NAMES = tuple(one.name for one in fields(Told))


def add(tx: Connection, told: Sequence[Told]) -> None:
    rows = [{name: getattr(one, name) for name in _NAMES} | {"changes": _written(one.changes)} for one in told]
    write(tx, _ADD, rows)


def _written(changes: Changed) -> dict[str, list[Any]]:
    return {name: list(pair) for name, pair in changes.items()}


def of(tx: Connection, resource: str, record_id: str, limit: int) -> list[dict[str, Any]]:
    """Return what we told the CRM of a record, newest first."""
    query = select(table).where(table.c.resource == resource, table.c.record_id == record_id)
    return [_shown(row) for row in tx.execute(query.order_by(table.c.id.desc()).limit(limit))]


def knew(tx: Connection, resource: str, crm_id: str, name: str, value: Any) -> bool:
    """Tell whether a write of ours to a CRM record was made knowing that a field held `value` there."""
    rows = tx.execute(select(table.c.changes).where(table.c.resource == resource, table.c.crm_id == crm_id))
    return any(same(row.changes.get(name, [None])[0], value) for row in rows)


def is_ours(tx: Connection, resource: str, record_id: str, crm_id: str) -> bool:
    """Tell whether a record of the CRM was created by us."""
    query = select(table.c.id).where(table.c.resource == resource, table.c.record_id == record_id)
    made = query.where(table.c.crm_id == crm_id, table.c.action == "create")
    return tx.execute(made.limit(1)).first() is not None


def retract(tx: Connection, run_id: str, resource: str, record_id: str) -> None:
    """Forget that a run deleted a record there: it was about to, and the CRM did not."""
    mine = delete(table).where(table.c.run_id == run_id, table.c.resource == resource, table.c.action == "delete")
    tx.execute(mine.where(table.c.record_id == record_id))


def of_run(tx: Connection, run_id: str, resource: str, ids: Collection[str]) -> list[Told]:
    """Return what a run changed in the CRM of some records, in the order in which it did."""
    return [_told(row) for row in tx.execute(_THOSE_OF_RUN, {"run": run_id, "of": resource, "ids": ids})]


def touched(tx: Connection, run_id: str, resource: str, after: str, limit: int) -> list[str]:
    """Return the records that a run changed, here or in the CRM, in order of id, a page at a time."""
    ours = _records_of(journal, run_id, resource, after)
    both = union(ours, _records_of(table, run_id, resource, after)).subquery()
    return list(tx.execute(select(both.c.record_id).order_by(both.c.record_id).limit(limit)).scalars())


def touched_of(tx: Connection, run_id: str, resource: str, ids: Collection[str]) -> set[str]:
    """Return those of some records that a run has changed, here or in the CRM."""
    return set(tx.execute(_TOUCHED, {"run": run_id, "of": resource, "ids": ids}).scalars())


def _records_of(of: Table, run_id: str, resource: str, after: str) -> Select[Any]:
    return select(of.c.record_id).where(of.c.run_id == run_id, of.c.resource == resource, of.c.record_id > after)


def _told(row: Row[Any]) -> Told:
    changes = {name: (old, new) for name, (old, new) in row.changes.items()}
    return Told(row.resource, row.record_id, row.version, row.crm_id, row.at, row.action, row.run_id, changes)


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "at": format_time(row.at),
        "action": row.action,
        "crm_id": row.crm_id,
        "version": row.version,
        "run_id": row.run_id,
        "changes": row.changes,
    }
