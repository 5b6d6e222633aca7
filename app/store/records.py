"""Rows of resources in and out of the database, as `Record` values."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, Table, and_, bindparam, func, insert, or_, select, update

from app.core.kinds import unique_key
from app.core.record import Record
from app.core.resource import Resource


def add(tx: Connection, resource: Resource, record: Record) -> None:
    tx.execute(insert(resource.table), _row(resource, record))


def save(tx: Connection, resource: Resource, record: Record) -> None:
    """Write a record as it now is."""
    row = _row(resource, record)
    tx.execute(update(resource.table).where(resource.table.c.id == bindparam("key")), {**row, "key": record.id})


def get(
    tx: Connection, resource: Resource, record_id: str, *, lock: bool = False, or_skip: bool = False
) -> Record | None:
    """Fetch a record, tombstones too; `lock` keeps other writers off it until the end of the transaction.

    With `or_skip` a record that another writer holds is passed over (None) instead of waited for.
    """
    query = select(resource.table).where(resource.table.c.id == record_id)
    if or_skip:
        return _one(tx, resource, query.with_for_update(skip_locked=True), lock=False)
    return _one(tx, resource, query, lock=lock)


def by_crm_id(tx: Connection, resource: Resource, crm_id: str, *, lock: bool = False) -> Record | None:
    return _one(tx, resource, select(resource.table).where(resource.table.c.crm_id == crm_id), lock=lock)


def by_unique_field(tx: Connection, resource: Resource, name: str, value: str | None) -> Record | None:
    """Fetch the live record that holds `value` in any letter case."""
    if value is None:
        return None
    table = resource.table
    query = select(table).where(table.c[f"{name}_key"] == unique_key(value), table.c.deleted_at.is_(None))
    return _one(tx, resource, query, lock=True)


def taken(tx: Connection, resource: Resource, record: Record) -> str | None:
    """Return the name of a unique field whose value another live record holds."""
    for name in resource.unique_fields:
        other = by_unique_field(tx, resource, name, record.fields[name])
        if other is not None and other.id != record.id:
            return name
    return None


def linked(tx: Connection, resource: Resource, after: str, limit: int) -> list[Record]:
    """Return live records that the CRM knows, in order of id, a page at a time."""
    table = resource.table
    query = select(table).where(table.c.crm_id.is_not(None), table.c.deleted_at.is_(None), table.c.id > after)
    return [_record(resource, row) for row in tx.execute(query.order_by(table.c.id).limit(limit))]


def count_by_status(tx: Connection, resource: Resource) -> dict[str, int]:
    table = resource.table
    query = select(table.c.sync_status, func.count()).where(table.c.deleted_at.is_(None)).group_by(table.c.sync_status)
    return {row[0]: row[1] for row in tx.execute(query)}


def ids_with_status(tx: Connection, resource: Resource, status: str) -> list[str]:
    table = resource.table
    return list(tx.execute(select(table.c.id).where(table.c.sync_status == status)).scalars())


class Listing:
    """A filtered, sorted list of live records, by page or by keyset."""

    def __init__(self, resource: Resource, filters: dict[str, Any], sort: str) -> None:
        self._resource = resource
        self._table: Table = resource.table
        self._descending = sort.startswith("-")
        self._sort = self._table.c[sort.removeprefix("-")]
        self._where = [self._table.c.deleted_at.is_(None), *self._conditions(filters)]

    def count(self, tx: Connection) -> int:
        return tx.execute(select(func.count()).select_from(self._table).where(*self._where)).scalar_one()

    def page(self, tx: Connection, page: int, per_page: int) -> list[Record]:
        return self._fetch(tx, self._query().limit(per_page).offset((page - 1) * per_page))

    def after(self, tx: Connection, value: Any, record_id: str, limit: int) -> list[Record]:
        """Return what follows the record with this sort value and id; a record without the value sorts first."""
        later, same = self._beyond(value), self._equal(value)
        ids = self._table.c.id
        tie = ids < record_id if self._descending else ids > record_id
        return self._fetch(tx, self._query().where(or_(later, and_(same, tie))).limit(limit))

    def _query(self) -> Select[Any]:
        order = [self._sort.is_(None).desc(), self._sort, self._table.c.id]
        if self._descending:
            order = [self._sort.is_(None), self._sort.desc(), self._table.c.id.desc()]
        keys = order if self._sort.nullable else order[1:]
        return select(self._table).where(*self._where).order_by(*keys)

    def _beyond(self, value: Any) -> Any:
        if value is None:
            return self._sort.is_(None) & self._sort.is_not(None) if self._descending else self._sort.is_not(None)
        if not self._descending:
            return self._sort > value
        return or_(self._sort < value, self._sort.is_(None)) if self._sort.nullable else self._sort < value

    def _equal(self, value: Any) -> Any:
        return self._sort.is_(None) if value is None else self._sort == value

    def _conditions(self, filters: dict[str, Any]) -> list[Any]:
        table, found = self._table, []
        for name, value in filters.items():
            if name == "q":
                found.append(
                    or_(*(table.c[field].icontains(value, autoescape=True) for field in self._resource.fields))
                )
            elif name == "updated_since":
                found.append(table.c.last_updated >= value)
            elif name in self._resource.unique_fields:
                found.append(table.c[f"{name}_key"] == unique_key(value))
            else:
                found.append(table.c[name] == value)
        return found

    def _fetch(self, tx: Connection, query: Select[Any]) -> list[Record]:
        return [_record(self._resource, row) for row in tx.execute(query)]


def sort_value(record: Record, sort: str) -> Any:
    """Return what a listing sorted by `sort` compares of this record."""
    name = sort.removeprefix("-")
    if name in record.fields:
        return record.fields[name]
    columns: dict[str, str | datetime] = {
        "created_at": record.created_at,
        "last_updated": record.last_updated,
        "sync_status": record.status,
    }
    return columns[name]


def _one(tx: Connection, resource: Resource, query: Select[Any], *, lock: bool) -> Record | None:
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _record(resource, row)


def _record(resource: Resource, row: Row[Any]) -> Record:
    values = row._mapping  # noqa: SLF001  (SQLAlchemy's documented name)
    return Record(
        resource=resource.name,
        id=values["id"],
        fields={name: values[name] for name in resource.fields},
        status=values["sync_status"],
        error=values["sync_error"],
        crm_id=values["crm_id"],
        version=values["version"],
        created_at=values["created_at"],
        last_updated=values["last_updated"],
        deleted_at=values["deleted_at"],
    )


def _row(resource: Resource, record: Record) -> dict[str, Any]:
    keys = {f"{name}_key": unique_key(record.fields[name]) for name in resource.unique_fields}
    return {
        **record.fields,
        **keys,
        "id": record.id,
        "sync_status": record.status,
        "sync_error": record.error,
        "crm_id": record.crm_id,
        "version": record.version,
        "created_at": record.created_at,
        "last_updated": record.last_updated,
        "deleted_at": record.deleted_at,
    }
