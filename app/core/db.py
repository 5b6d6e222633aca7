"""The database: one engine, and `transact`, the only way to write.

SQLite lets writers collide and arbitrates badly, so every writer of this service, in any thread or process, first
takes a lock outside SQLite; inside it nothing happens but SQL. Writers of one process go in groups (`groups.py`).
"""

import errno
import fcntl
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import structlog
from flask import Flask, current_app
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, Connection, DateTime, Dialect, ExceptionContext, MetaData, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from app.core import postgresql
from app.core.errors import NotNow
from app.core.groups import Groups

log = structlog.get_logger(__name__)
T = TypeVar("T")
ATTEMPTS = 4
LOCK = "crm-sync.write-lock"
WRITERS = "crm-sync.writers"
LOCK_TIMEOUT = 10.0
"""Seconds a writer waits for its turn before the caller hears 503."""


class Base(DeclarativeBase):
    # Names for every constraint: a batch migration on SQLite can only change what has one.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(model_class=Base)

if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


class Utc(TypeDecorator[datetime]):
    """A time in UTC. SQLite drops time zones, so they are taken off and put on here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class WriteLock:
    """One writer at a time to one SQLite file: flock on a file beside it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def hold(self) -> Iterator[None]:
        with self._open() as file:
            self._take(file.fileno(), time.monotonic() + LOCK_TIMEOUT)
            yield  # closing the file gives the lock back, also when we are killed

    def _open(self) -> IO[str]:
        try:
            return self._path.open("w")
        except OSError as error:  # where the lock cannot be written, the database beside it cannot either
            code = errno.errorcode.get(error.errno or 0)
            log.error("database_unavailable", error=type(error).__name__, code=code)  # noqa: TRY400  (no bug of ours)
            raise NotNow("The database cannot take this now.", retry_after=1) from error

    @staticmethod
    def _take(descriptor: int, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise NotNow("The database is busy.", retry_after=1) from None
                time.sleep(0.001)
            else:
                return


def init_database(app: Flask) -> None:
    """Bind the database to the application, make SQLite durable and its transactions explicit."""
    db.init_app(app)
    with app.app_context():
        engine = db.engine
    app.extensions[LOCK], app.extensions[WRITERS] = nullcontext, None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_sqlite_connect)
        event.listen(engine, "begin", _on_sqlite_begin)
        event.listen(engine, "handle_error", _on_sqlite_error)
        app.extensions[LOCK] = WriteLock(Path(f"{engine.url.database}.lock")).hold
        app.extensions[WRITERS] = Groups(_in_transaction)
    else:
        postgresql.prepare(engine, LOCK_TIMEOUT)


def _on_sqlite_connect(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes too late and loses updates
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={int(LOCK_TIMEOUT)}000", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    _use_wal(cursor)
    cursor.close()


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Switch to the write-ahead log; of two that do so at once to a new file, one is refused without a wait."""
    deadline = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _on_sqlite_begin(connection: Connection) -> None:
    # A deferred BEGIN that writes later fails at once when another writer was there; readers take no lock.
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _on_sqlite_error(context: ExceptionContext) -> None:
    # A file that was opened while its disk was read-only or ill stays so, for all connections of a process as long as
    # one is open: the next ones open it anew.
    name = getattr(context.original_exception, "sqlite_errorname", None) or ""
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR")):
        context.is_disconnect = True
        if context.execution_context is not None:
            # SQLAlchemy leaves it to the traceback, and SQLite does not close the file while it is there.
            context.execution_context.cursor.close()
        if context.engine is not None:
            context.engine.dispose()


def elsewhere() -> Callable[[], AbstractContextManager[Any]]:
    """Return what another thread has to be within to use this thread's database."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001  (Flask's documented name)
    return app.app_context


@contextmanager
def reading() -> Iterator[Connection]:
    """Open a connection for queries, without the write lock: one view of all on SQLite, one a query on PostgreSQL."""
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            # Its transactions (READ COMMITTED) see no more than single queries do, and cost two round trips.
            connection.execution_options(isolation_level="AUTOCOMMIT")
        yield connection


def transact(work: Callable[[Connection], T]) -> T:
    """Run `work` in one transaction and commit it; run it again when another writer won a race.

    `work` must do nothing but SQL: it runs under the write lock, and may run more than once.
    Raises NotNow when the database stays busy, whatever `work` raises, and SQLAlchemy's own errors.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _once(work)
        except DBAPIError as error:
            if attempt == ATTEMPTS or not _lost_a_race(error):
                raise
    raise AssertionError("unreachable")


def _once(work: Callable[[Connection], T]) -> T:
    writers: Groups | None = current_app.extensions[WRITERS]
    return _in_transaction(work) if writers is None else writers.run(work, LOCK_TIMEOUT)


def _in_transaction(work: Callable[[Connection], T]) -> T:
    with current_app.extensions[LOCK](), db.engine.connect().execution_options(writing=True) as connection:
        result = work(connection)
        _commit(connection)
        return result


def _commit(connection: Connection) -> None:
    """Commit. One that fails may leave its transaction open, and the pool would hand on such a connection as it is."""
    try:
        connection.commit()
    except DBAPIError:
        connection.invalidate()
        raise


def _lost_a_race(error: DBAPIError) -> bool:
    """Tell whether the same work may succeed now: a unique key, a deadlock or a serialization failure (SQLSTATE)."""
    if isinstance(error, IntegrityError):
        return True
    return getattr(error.orig, "sqlstate", None) in {"40001", "40P01"}
