"""Rows of resources in and out of the database, as `Record` values."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Insert,
    Row,
    Select,
    Table,
    Update,
    and_,
    bindparam,
    false,
    func,
    insert,
    or_,
    select,
    update,
)

from app.core.kinds import unique_key
from app.core.record import Record
from app.core.resource import Resource
from app.store.upsert import one_of, write

Keys = Mapping[str, Collection[str]]
"""Compared forms of unique fields, by the name of the field."""


def add(tx: Connection, resource: Resource, records: Sequence[Record]) -> None:
    write(tx, _adding(resource.table), [_row(resource, record) for record in records])


def save(tx: Connection, resource: Resource, records: Sequence[Record]) -> None:
    """Write records as they now are."""
    write(tx, _saving(resource.table), [_row(resource, record) | {"key": record.id} for record in records])


@cache
def _adding(table: Table) -> Insert:
    return insert(table)


@cache
def _saving(table: Table) -> Update:
    return update(table).where(table.c.id == bindparam("key"))


def release(tx: Connection, resource: Resource, ids: Collection[str]) -> None:
    """Let records go of what no two may share; each is saved anew in the same transaction."""
    none: dict[str, None] = dict.fromkeys(["crm_id", *(f"{name}_key" for name in resource.unique_fields)])
    tx.execute(update(resource.table).where(one_of(resource.table.c.id, "ids")).values(none), {"ids": ids})


def get(tx: Connection, resource: Resource, record_id: str) -> Record | None:
    """Fetch a record, tombstones too."""
    return next(iter(find(tx, resource, ids=[record_id])), None)


def find(
    tx: Connection, resource: Resource, *, ids: Collection[str] = (), crm_ids: Collection[str] = (),
    keys: Keys | None = None, lock: bool = False, or_skip: bool = False,
) -> list[Record]:  # fmt: skip
    """Fetch records by id, by crm_id and live ones by unique fields, with one statement.

    `lock` keeps other writers off them until the end of the transaction; with `or_skip` a record that another writer
    holds is left out instead of waited for.
    """
    unique = {f"{name}_key": values for name, values in (keys or {}).items()}
    given = {name: values for name, values in {"id": ids, "crm_id": crm_ids, **unique}.items() if values}
    rows = tx.execute(_finding(resource.table, tuple(given), lock=lock, or_skip=or_skip), given)
    return [_record(resource, row) for row in rows]


@cache
def _finding(table: Table, by: tuple[str, ...], *, lock: bool, or_skip: bool) -> Select[Any]:
    """Return the query for records by any of some columns; by a unique one only live records are meant."""
    is_live = table.c.deleted_at.is_(None)
    about = [one_of(table.c[name], name) if name in {"id", "crm_id"} else and_(one_of(table.c[name], name), is_live)
             for name in by]  # fmt: skip
    query = select(table).where(or_(false(), *about))
    query = query.order_by(table.c.id)  # in one order, so that nobody waits in a circle
    return query.with_for_update(skip_locked=or_skip) if lock else query


def linked(tx: Connection, resource: Resource, after: str, limit: int) -> list[Record]:
    """Return live records that the CRM knows, in order of id, a page at a time."""
    table = resource.table
    query = select(table).where(table.c.crm_id.is_not(None), table.c.deleted_at.is_(None), table.c.id > after)
    return [_record(resource, row) for row in tx.execute(query.order_by(table.c.id).limit(limit))]


def live(tx: Connection, resource: Resource, after: str, limit: int) -> list[Record]:
    """Return live records in order of id, a page at a time."""
    table = resource.table
    query = select(table).where(table.c.deleted_at.is_(None), table.c.id > after)
    return [_record(resource, row) for row in tx.execute(query.order_by(table.c.id).limit(limit))]


def count_linked(tx: Connection, resource: Resource) -> int:
    """Return how many live records have a counterpart in the CRM."""
    table = resource.table
    where = (table.c.crm_id.is_not(None), table.c.deleted_at.is_(None))
    return tx.execute(select(func.count()).select_from(table).where(*where)).scalar_one()


def count_by_status(tx: Connection, resource: Resource) -> dict[str, int]:
    table = resource.table
    query = select(table.c.sync_status, func.count()).where(table.c.deleted_at.is_(None)).group_by(table.c.sync_status)
    return {row[0]: row[1] for row in tx.execute(query)}


def stuck(tx: Connection, resource: Resource) -> list[str]:
    """Return the records whose push was refused or given up; one that has a conflict besides does not say `failed`."""
    table = resource.table
    failed = table.c.sync_status == "failed"
    hidden = and_(table.c.sync_status == "conflict", table.c.sync_error.is_not(None))
    return list(tx.execute(select(table.c.id).where(or_(failed, hidden)).order_by(table.c.id)).scalars())


def where(tx: Connection, resource: Resource, name: str, values: Collection[str]) -> list[tuple[str, str]]:
    """Return (id, value) of the live records whose field (or id) has one of some values, in order of id."""
    table = resource.table
    query = select(table.c.id, table.c[name]).where(one_of(table.c[name], "values"), table.c.deleted_at.is_(None))
    return [(row[0], row[1]) for row in tx.execute(query.order_by(table.c.id), {"values": values})]


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
                words = (one.name for one in self._resource.fields.values() if one.kind.searchable)
                found.append(or_(*(table.c[name].icontains(value, autoescape=True) for name in words)))
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
