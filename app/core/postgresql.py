"""Connections to PostgreSQL: what each is told, and how one that has died is noticed without asking the server."""

import select
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry

from app.core.world import World

RECENT = 1.0
"""Seconds for which a connection that was used, and has heard nothing since, counts as alive."""
USED = "used"


def prepare(engine: Engine, lock_timeout: float) -> None:
    """Let an engine's statements wait so many seconds for a lock, and have its connections looked at before use.

    SQLAlchemy's own look (`pool_pre_ping`) asks the server each time: one round trip more for each transaction.
    """
    monotonic = World().monotonic

    def on_connect(connection: Any, entry: ConnectionPoolEntry) -> None:
        connection.autocommit = True  # a rollback would take it back
        connection.execute(f"SET lock_timeout = '{int(lock_timeout)}s'")
        connection.autocommit = False
        entry.info[USED] = monotonic()

    def on_checkin(_connection: Any, entry: ConnectionPoolEntry) -> None:
        entry.info[USED] = monotonic()

    def on_checkout(connection: Any, entry: ConnectionPoolEntry, _proxy: object) -> None:
        try:
            if monotonic() - entry.info[USED] >= RECENT or _was_told_something(connection):
                engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    event.listen(engine, "connect", on_connect)
    event.listen(engine, "checkin", on_checkin)
    event.listen(engine, "checkout", on_checkout)


def _was_told_something(connection: Any) -> bool:
    """Tell whether the server has spoken unasked, or hung up: its last words, mostly."""
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return bool(poll.poll(0))
