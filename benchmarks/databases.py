"""Databases of their own for a bench: migrated, and gone when it is over, on SQLite and on PostgreSQL."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from flask_migrate import upgrade

from app import create_app
from app.core.db import db

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")


@dataclass(frozen=True)
class Database:
    """One database, its address for SQLAlchemy, and a folder for what a service keeps beside it."""

    url: str
    folder: Path

    @property
    def is_sqlite(self) -> bool:
        return self.url.startswith("sqlite")

    @property
    def path(self) -> Path:
        """Return the file of an SQLite database."""
        return Path(self.url.removeprefix("sqlite:///"))

    @property
    def dsn(self) -> str:
        """Return the address for psycopg."""
        return self.url.replace("postgresql+psycopg://", "postgresql://")

    @property
    def schema(self) -> str:
        """Return the schema of a PostgreSQL database."""
        return self.url.rpartition("search_path%3D")[2]

    def empty(self) -> None:
        """Take out everything but the version of the schema."""
        assert not self.is_sqlite
        with psycopg.connect(self.dsn) as connection:
            named = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> %s"
            names = [name for (name,) in connection.execute(named, ["alembic_version"])]
            connection.execute("TRUNCATE " + ", ".join(names))


@contextmanager
def sqlite_template() -> Iterator[Path]:
    """Make a migrated SQLite file to copy from."""
    with tempfile.TemporaryDirectory(prefix="crm-sync-bench-") as folder:
        path = Path(folder) / "template.db"
        _migrate(f"sqlite:///{path}")
        yield path


@contextmanager
def sqlite(template: Path) -> Iterator[Database]:
    """Copy a template."""
    with tempfile.TemporaryDirectory(prefix="crm-sync-bench-") as folder:
        path = Path(folder) / "app.db"
        shutil.copy(template, path)
        yield Database(f"sqlite:///{path}", Path(folder))


@contextmanager
def postgresql(name: str) -> Iterator[Database]:
    """Make a migrated schema."""
    schema = f"crm_sync_bench_{name}_{os.getpid()}"
    bare = POSTGRES.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(bare, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    try:
        with tempfile.TemporaryDirectory(prefix="crm-sync-bench-") as folder:
            url = f"{POSTGRES}{'&' if '?' in POSTGRES else '?'}options=-csearch_path%3D{schema}"
            _migrate(url)
            yield Database(url, Path(folder))
    finally:
        with psycopg.connect(bare, autocommit=True) as connection:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")


def has_postgresql() -> bool:
    """Tell whether PostgreSQL answers; without it its rows are left out."""
    try:
        psycopg.connect(POSTGRES.replace("postgresql+psycopg://", "postgresql://"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def _migrate(url: str) -> None:
    about = {"APP_ENV": "testing", "SQLALCHEMY_DATABASE_URI": url, "CRM_PACE_FILE": "", "LOG_LEVEL": "CRITICAL"}
    app = create_app(about)
    with app.app_context():
        upgrade()
        db.engine.dispose()
