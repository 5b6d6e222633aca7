"""What the two databases say in different words: insert or replace, and "one of these values".

A statement is built once and run with other values each time: building one takes longer than running it.
"""

import json
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, Boolean, ColumnElement, Connection, Dialect, String, Table, Text, bindparam, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from app.core.db import Utc


class _Listed(TypeDecorator[Collection[str]]):
    """Any number of texts as one parameter: an array, or JSON."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        wanted: TypeEngine[Any] = ARRAY(String) if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(wanted)

    def process_bind_param(self, value: Collection[str] | None, dialect: Dialect) -> Any:
        texts = list(value or ())
        return texts if dialect.name == "postgresql" else json.dumps(texts)


class _OneOf(FunctionElement[bool]):
    name = "one_of"
    type = Boolean()
    inherit_cache = True


@compiles(_OneOf, "postgresql")
def _in_array(element: _OneOf, compiler: SQLCompiler, **about: Any) -> str:
    column, listed = (compiler.process(one, **about) for one in element.clauses)
    return f"{column} = ANY ({listed})"


@compiles(_OneOf, "sqlite")
def _in_json(element: _OneOf, compiler: SQLCompiler, **about: Any) -> str:
    column, listed = (compiler.process(one, **about) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({listed}))"  # noqa: S608  (both are compiled SQL)


def one_of(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Return the condition that a column holds one of the texts that the parameter `name` lists."""
    return _OneOf(column, bindparam(name, type_=_Listed()))


def is_over(moment: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Return the condition that a moment has come; `over_at` gives its parameters the time.

    One that is further ahead than any wait is long was noted by a clock that has been set back since.
    """
    return or_(moment <= bindparam(f"{name}_now", type_=Utc()), moment > bindparam(f"{name}_latest", type_=Utc()))


def over_at(name: str, now: datetime, longest: timedelta) -> dict[str, datetime]:
    """Return the parameters of `is_over`."""
    return {f"{name}_now": now, f"{name}_latest": now + longest}


def insert(dialect: str, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that knows ON CONFLICT in a dialect."""
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def upsert(tx: Connection, table: Table, *rows: Mapping[str, Any]) -> None:
    """Write rows of one form, replacing those with the same primary key."""
    if rows:
        tx.execute(_upsert(tx.dialect.name, table, tuple(rows[0])), [dict(row) for row in rows])


@cache
def _upsert(dialect: str, table: Table, names: tuple[str, ...]) -> postgresql.Insert | sqlite.Insert:
    keys = [column.name for column in table.primary_key]
    statement = insert(dialect, table)
    rest = {name: statement.excluded[name] for name in names if name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=rest)


def add_if_new(tx: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Write `row` unless its primary key is there; True when it was written."""
    return tx.execute(_add_if_new(tx.dialect.name, table), dict(row)).first() is not None


@cache
def _add_if_new(dialect: str, table: Table) -> Any:
    keys = [column.name for column in table.primary_key]
    statement = insert(dialect, table).on_conflict_do_nothing(index_elements=keys)
    return statement.returning(table.c[keys[0]])  # drivers do not count the rows of an INSERT
