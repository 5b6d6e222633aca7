"""What the two databases say in different words: insert or replace, and "one of these values"."""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Connection, String, Table, any_, bindparam, func, literal, or_, select
from sqlalchemy.dialects import postgresql, sqlite


def one_of(tx: Connection, column: ColumnElement[Any], values: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a column holds one of `values`: one parameter, however many there are."""
    if tx.dialect.name == "postgresql":
        return column == any_(bindparam(None, list(values), ARRAY(String), unique=True))
    listed = func.json_each(literal(json.dumps(list(values)))).table_valued("value")
    return column.in_(select(listed.c.value))


def is_over(moment: ColumnElement[Any], now: datetime, longest: timedelta) -> ColumnElement[bool]:
    """Return the condition that a moment has come.

    One that is further ahead than any wait is long was noted by a clock that has been set back since.
    """
    return or_(moment <= now, moment > now + longest)


def insert(tx: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that knows ON CONFLICT in the dialect of this connection."""
    return postgresql.insert(table) if tx.dialect.name == "postgresql" else sqlite.insert(table)


def upsert(tx: Connection, table: Table, *rows: Mapping[str, Any]) -> None:
    """Write rows of one form, replacing those with the same primary key."""
    if not rows:
        return
    keys = [column.name for column in table.primary_key]
    statement = insert(tx, table)
    rest = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    tx.execute(statement.on_conflict_do_update(index_elements=keys, set_=rest), _as_sequence(rows))


def _as_sequence(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [dict(row) for row in rows]


def add_if_new(tx: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Write `row` unless its primary key is there; True when it was written."""
    keys = [column.name for column in table.primary_key]
    statement = insert(tx, table).on_conflict_do_nothing(index_elements=keys).returning(table.c[keys[0]])
    return tx.execute(statement, row).first() is not None  # drivers do not count the rows of an INSERT
