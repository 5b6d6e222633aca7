"""Where the database of a program is, read from what it holds of it: a session, an engine, or the address itself."""

from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.orm import Session, scoped_session

Database = Session | scoped_session[Any] | Engine | Connection | str | URL


def address_of(database: Database) -> str:
    """Return the address of the database. Raises ValueError for one in memory, which nobody else can open."""
    if isinstance(database, Session | scoped_session):
        url = database.get_bind().engine.url
    elif isinstance(database, Engine | Connection):
        url = database.engine.url
    else:
        url = make_url(database)
    if url.drivername in {"postgres", "postgresql"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite":
        url = url.set(database=_file_of(url))
    return url.render_as_string(hide_password=False)


def _file_of(url: URL) -> str:
    """Return the file of a SQLite database: from here, where Flask would look for it in a folder of the service."""
    name = url.database or ":memory:"
    if ":memory:" in name or url.query.get("mode") == "memory":
        raise ValueError("session must be of a database in a file or on a server, not in memory.")
    return name if name.startswith("file:") else str(Path(name).resolve())
