"""Migrations: from empty, back, and in step with the declarations, on both databases."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import create_engine, inspect, text

from app import create_app
from app.core.db import db
from tests.support.settings import POSTGRES, SETTINGS

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request, tmp_path):
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new.db'}"
        return
    request.getfixturevalue("postgres_schema")
    schema = f"crm_sync_test_migrations_{os.getpid()}"
    engine = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"DROP SCHEMA IF EXISTS {schema} CASCADE"))
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    yield f"{POSTGRES}?options=-csearch_path%3D{schema}"
    with engine.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


def application(url):
    return create_app(SETTINGS | {"SQLALCHEMY_DATABASE_URI": url})


def test_an_empty_database_is_brought_up_and_fits_the_declarations(empty):
    with application(empty).app_context():
        upgrade()
        with db.engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), db.metadata) == []
        db.engine.dispose()


def test_it_goes_back_to_empty_and_up_again(empty):
    with application(empty).app_context():
        upgrade()
        downgrade(revision="base")
        assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
        upgrade()
        assert "users" in inspect(db.engine).get_table_names()
        db.engine.dispose()


def test_two_servers_that_start_at_once_make_one_schema(empty):
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
    environ = {**os.environ, "DATABASE_URL": empty, "APP_ENV": "testing"}
    started = [subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.PIPE) for _ in range(2)]

    for process in started:
        _, said = process.communicate(timeout=60)
        assert process.returncode == 0, said.decode()
    with application(empty).app_context():
        assert "users" in inspect(db.engine).get_table_names()
        db.engine.dispose()
