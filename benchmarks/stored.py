"""The databases of the HTTP benches: ours migrated and the floor's one table, made for a bench and dropped after it."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from flask_migrate import upgrade
from sqlalchemy import Connection

from app.core.db import db, transact
from app.core.record import Snapshot, Stamp
from app.http.wiring import ENGINE
from app.resources import REGISTRY
from app.store.work import Work
from app.sync import pull
from app.sync.engine import Engine
from app.sync.following import finish
from app.sync.incoming import Source
from benchmarks.rig import service

NOWHERE = "http://127.0.0.1:9"
POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
DIALECT = "postgresql+psycopg://"
USERS = """CREATE TABLE users (
  id {serial} PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL UNIQUE, phone TEXT, crm_id TEXT UNIQUE)"""
Row = tuple[str, str, str, str]
"""Name, e-mail, phone and crm_id."""
SERIAL = {"SQLite": "INTEGER", "PostgreSQL": "BIGINT GENERATED ALWAYS AS IDENTITY"}


@dataclass(frozen=True)
class Known:
    """A record that the CRM knows: `id` is ours, `number` the floor's."""

    id: str
    number: int
    crm_id: str


@dataclass(frozen=True)
class Stored:
    """Addresses of both databases, and the records that are in both."""

    ours: str
    floor: str
    known: list[Known]


def kinds() -> list[str]:
    """Return the databases that answer; say so where PostgreSQL does not."""
    try:
        psycopg.connect(_plain(POSTGRES), connect_timeout=2).close()
    except psycopg.OperationalError as error:
        print(f"  !!! NOT MEASURED on PostgreSQL: {POSTGRES} does not answer: {error}".rstrip())
        return ["SQLite"]
    return ["SQLite", "PostgreSQL"]


@contextmanager
def stored(kind: str, folder: Path, known: int = 0) -> Iterator[Stored]:
    """Make both databases, with so many records that the CRM has told us of."""
    with _databases(kind, folder) as (ours, floor):
        yield Stored(ours, floor, _filled(kind, ours, floor, known))


@contextmanager
def _databases(kind: str, folder: Path) -> Iterator[tuple[str, str]]:
    if kind == "SQLite":
        yield f"sqlite:///{folder / 'app.db'}", str(folder / "floor.db")
        return
    names = [f"crm_sync_bench_{os.getpid()}_{whose}" for whose in ("ours", "floor")]
    with psycopg.connect(_plain(POSTGRES), autocommit=True) as connection:
        try:
            for name in names:
                connection.execute(f"CREATE DATABASE {name}".encode())
            server = POSTGRES.partition("?")[0].rpartition("/")[0]
            yield f"{server}/{names[0]}", _plain(f"{server}/{names[1]}")
        finally:
            for name in names:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


def _plain(url: str) -> str:
    return url.replace(DIALECT, "postgresql://", 1)


def _filled(kind: str, ours: str, floor: str, count: int) -> list[Known]:
    rows = [(f"User {one}", f"user{one}@example.com", "123-456-7890", f"CRM{one}") for one in range(1, count + 1)]
    app = service(ours, NOWHERE)
    with app.app_context():
        upgrade()
        engine = app.extensions[ENGINE]
        ids = transact(lambda tx: _told(tx, engine, rows))
        db.engine.dispose()
    _fill_floor(kind, floor, rows)
    return [Known(one, place, row[3]) for place, (one, row) in enumerate(zip(ids, rows, strict=True), 1)]


def _told(tx: Connection, engine: Engine, rows: list[Row]) -> list[str]:
    """Take in records that the CRM shows whole, as a pull does; return their ids."""
    work, ids = Work(tx, REGISTRY["users"]), []
    for name, email, phone, crm_id in rows:
        fields = {"name": name, "email": email, "phone": phone}
        snapshot = Snapshot(crm_id, fields, Stamp(1, engine.world.now()))
        ids.append(str(pull.apply(work, engine, snapshot, Source("pull")).record_id))
    finish(work, engine)
    return ids


def _fill_floor(kind: str, address: str, rows: list[Row]) -> None:
    table = USERS.format(serial=SERIAL[kind])
    if kind == "SQLite":
        with sqlite3.connect(address) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(table)
            connection.executemany("INSERT INTO users (name, email, phone, crm_id) VALUES (?, ?, ?, ?)", rows)
        connection.close()
        return
    with psycopg.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute(table.encode())
        cursor.executemany("INSERT INTO users (name, email, phone, crm_id) VALUES (%s, %s, %s, %s)", rows)
