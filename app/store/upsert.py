"""What the two databases say in different words: insert or replace, and "one of these values".

A statement is built once and run with other values each time: building one takes longer than running it.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Dialect,
    Insert,
    String,
    Table,
    Text,
    TextClause,
    Update,
    bindparam,
    or_,
    text,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

from app.core.db import Utc

Statement = Insert | Update | TextClause


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


class _OneOf(FunctionElement[Any]):
    name = "one_of"
    type = NullType()  # of a Boolean, SQLite would be asked whether it is 1: no index answers that
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


def upsert(tx: Connection, table: Table, *rows: Mapping[str, Any]) -> None:
    """Write rows of one form, replacing those with the same primary key."""
    if rows:
        write(tx, _upsert(table, tuple(rows[0])), rows)


def write(tx: Connection, statement: Statement, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows of one form; a single one by itself, which drivers do with less ado than many."""
    if len(rows) == 1:
        tx.execute(statement, dict(rows[0]))
    elif rows:
        ready = _ready(tx.dialect, statement, tuple(rows[0]))
        tx.exec_driver_sql(ready.sql, [ready.parameters(row) for row in rows])


@dataclass(frozen=True, slots=True)
class _Ready:
    """A statement in the words of a driver, and what becomes of each value on its way there.

    SQLAlchemy does the same for each value of each row by looking everything up anew: a fifth of the time of a pull.
    """

    sql: str
    names: tuple[str, ...]
    processors: Mapping[str, Callable[[Any], Any]]
    by_position: bool

    def parameters(self, row: Mapping[str, Any]) -> Any:
        done = {name: process(row[name]) for name, process in self.processors.items()}
        if self.by_position:
            return tuple(done[name] if name in done else row[name] for name in self.names)
        return {name: done[name] if name in done else row[name] for name in self.names}


_prepared: dict[tuple[str, Statement, tuple[str, ...]], _Ready] = {}


def _ready(dialect: Dialect, statement: Statement, names: tuple[str, ...]) -> _Ready:
    key = (dialect.name, statement, names)
    if key not in _prepared:
        compiled = statement.compile(dialect=dialect, column_keys=list(names), for_executemany=True)
        assert isinstance(compiled, SQLCompiler)
        found = {name: bind.type.dialect_impl(dialect).bind_processor(dialect) for name, bind in compiled.binds.items()}
        processors = {name: process for name, process in found.items() if process is not None}
        by_position = compiled.positiontup is not None
        order = tuple(compiled.positiontup or compiled.binds)
        _prepared[key] = _Ready(compiled.string, order, processors, by_position)
    return _prepared[key]


@cache
def _upsert(table: Table, names: tuple[str, ...]) -> TextClause:
    keys = [column.name for column in table.primary_key]
    rest = ", ".join(f'"{name}" = excluded."{name}"' for name in names if name not in keys)
    return _insert(table, names, f"DO UPDATE SET {rest}")


def add_if_new(tx: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Write `row` unless its primary key is there; True when it was written."""
    # What comes back says so: drivers do not count the rows of an INSERT.
    return tx.execute(_add_if_new(table, tuple(row)), dict(row)).first() is not None


@cache
def _add_if_new(table: Table, names: tuple[str, ...]) -> TextClause:
    return _insert(table, names, "DO NOTHING RETURNING 1")


def _insert(table: Table, names: tuple[str, ...], on_conflict: str) -> TextClause:
    """Return an INSERT as both databases understand it; SQLAlchemy would compile one of its own anew each time."""
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(f":{name}" for name in names)
    keys = ", ".join(f'"{column.name}"' for column in table.primary_key)
    statement = text(f'INSERT INTO "{table.name}" ({columns}) VALUES ({values}) ON CONFLICT ({keys}) {on_conflict}')  # noqa: S608  (names of ours only)
    return statement.bindparams(*(bindparam(name, type_=table.c[name].type) for name in names))
