"""Insert or replace, for the two databases that say it in the same words under different imports."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

LONGEST_LIST = 900
"""Values in one IN list: SQLite before 3.32 allows 999 parameters."""


def in_parts(values: Iterable[str]) -> Iterator[list[str]]:
    """Cut values into lists that one query can take."""
    wanted = list(values)
    for start in range(0, len(wanted), LONGEST_LIST):
        yield wanted[start : start + LONGEST_LIST]


def insert(tx: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that knows ON CONFLICT in the dialect of this connection."""
    return postgresql.insert(table) if tx.dialect.name == "postgresql" else sqlite.insert(table)


def upsert(tx: Connection, table: Table, row: Mapping[str, Any]) -> None:
    """Write `row`, replacing the one with the same primary key."""
    keys = [column.name for column in table.primary_key]
    statement = insert(tx, table)
    rest = {name: statement.excluded[name] for name in row if name not in keys}
    tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=rest), row)


def add_if_new(tx: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Write `row` unless its primary key is there; True when it was written."""
    keys = [column.name for column in table.primary_key]
    statement = insert(tx, table).on_conflict_do_nothing(index_elements=keys).returning(table.c[keys[0]])
    return tx.execute(statement, row).first() is not None  # drivers do not count the rows of an INSERT
