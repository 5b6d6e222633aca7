"""Both databases: made, migrated and emptied again."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask_migrate import upgrade
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from app import create_app
from app.core.db import db
from tests.support.settings import POSTGRES, SETTINGS


def postgres_answers() -> bool:
    try:
        engine = create_engine(POSTGRES, connect_args={"connect_timeout": 2})
        with engine.connect():
            return True
    except DBAPIError:
        return False
    finally:
        engine.dispose()


@contextmanager
def own_schema(schema: str) -> Iterator[str]:
    """Make a migrated schema, yield its address, and drop it."""
    with bare_schema(schema) as url:
        migrate(url)
        yield url


@contextmanager
def bare_schema(schema: str) -> Iterator[str]:
    """Make a schema without tables, yield its address, and drop it."""
    engine = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    try:
        yield f"{POSTGRES}{'&' if '?' in POSTGRES else '?'}options=-csearch_path%3D{schema}"
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
        engine.dispose()


def migrate(url: str) -> None:
    app = create_app(SETTINGS | {"SQLALCHEMY_DATABASE_URI": url})
    with app.app_context():
        upgrade()
        db.engine.dispose()


def empty(url: str) -> None:
    """Take out what a test has left. To truncate all tables takes ten times as long as to see which hold anything."""
    engine = create_engine(url)
    looks = " UNION ALL ".join(
        f"(SELECT '{table.name}' FROM {table.name} LIMIT 1)" for table in db.metadata.sorted_tables
    )
    with engine.begin() as connection:
        for name in connection.execute(text(looks)).scalars().all():
            connection.execute(text(f"DELETE FROM {name}"))
    engine.dispose()
