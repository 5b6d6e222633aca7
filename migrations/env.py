"""Runs the migrations in the application's context, one process at a time."""

import fcntl
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import context
from flask import current_app
from sqlalchemy import text

from app.core.db import Utc, db
from app.store.tables import is_declared  # and the engine's own tables with it

ADVISORY_LOCK = 4_862_551_990_121


@contextmanager
def alone(connection):
    """Let two servers that start at once on an empty database make one schema between them."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET lock_timeout = 0"))  # another migration may take its time
        connection.execute(text(f"SELECT pg_advisory_lock({ADVISORY_LOCK})"))
        connection.commit()
        try:
            yield
        finally:
            connection.execute(text(f"SELECT pg_advisory_unlock({ADVISORY_LOCK})"))
            connection.commit()
        return
    with Path(f"{connection.engine.url.database}.migrating").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def render_item(kind, item, _context):
    """Write our types as what they are in the database: a migration must not change when the code does."""
    if kind == "type" and isinstance(item, Utc):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, sa.JSON):
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False


def run():
    engine = db.engine
    # On SQLite a whole migration is one transaction that holds the write lock; an interrupted one leaves nothing.
    options = {"writing": True} if engine.dialect.name == "sqlite" else {}
    with engine.connect().execution_options(**options) as connection, alone(connection):
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            transactional_ddl=True,
            render_item=render_item,
            include_object=is_declared,
            **current_app.extensions["migrate"].configure_args,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
