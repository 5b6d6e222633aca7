"""Fixtures: both databases, a CRM in process, a clock that the test moves, and the worker a step at a time."""

import itertools
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient

os.environ["APP_ENV"] = "testing"  # before anything reads the settings: no secrets kept, no files shared
pytest.register_assert_rewrite("tests.support")
# Machines are noisy, and nothing here is timed; the same examples each time, so that nothing fails by luck.
hypothesis.settings.register_profile("crm-sync", deadline=None, derandomize=True)
hypothesis.settings.load_profile("crm-sync")

import mock_crm
from app import create_app
from app.core.db import db
from app.core.resource import Registry
from app.core.world import World
from app.http.wiring import ENGINE
from app.sync.engine import Engine
from tests.support import databases, routes
from tests.support.clock import Clock
from tests.support.crm import Crm
from tests.support.settings import ANN, CRM_URL, SETTINGS, USERS
from tests.support.stack import Stack
from tests.support.worker import StepWorker

routes.compile_once()

# ── databases ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="session")
def postgres_schema() -> Iterator[str]:
    """A schema of its own for this run of the tests."""
    if not databases.postgres_answers():
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail("PostgreSQL does not answer, and REQUIRE_SERVICES is 1.")
        pytest.skip("PostgreSQL does not answer at TEST_POSTGRES_URL.")
    with databases.own_schema(f"crm_sync_test_{os.getpid()}") as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.db"
    databases.migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty, migrated database; each test runs on both."""
    if request.param == "sqlite":
        path = tmp_path / "app.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    url = request.getfixturevalue("postgres_schema")
    yield url
    databases.empty(url)


# ── the world ────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    return World(now=clock.now, monotonic=clock.monotonic, sleep=clock.sleep, random=random.Random(7))


# ── the CRM ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def crm(tmp_path: Path, clock: Clock) -> Iterator[Crm]:
    settings = {
        "MOCK_CRM_DATABASE": tmp_path / "crm.db",
        "MOCK_CRM_FAULTS": 1,
        "MOCK_CRM_RATE_LIMIT": 0,
        "MOCK_CRM_CLOCK": clock.timestamp,
    }
    app = mock_crm.create_app(settings)
    yield Crm(app)
    app.extensions["mock_crm"].stop()


# ── the service ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def settings() -> dict[str, Any]:
    """What a test module may override to run with other settings."""
    return {}


@pytest.fixture
def registry() -> Registry:
    """What is synced: the users alone, unless a test module is about more."""
    return USERS


@pytest.fixture
def app(database_url: str, crm: Crm, world: World, settings: dict[str, Any], registry: Registry) -> Iterator[Flask]:
    app = create_app(SETTINGS | {"SQLALCHEMY_DATABASE_URI": database_url} | settings, world=world, registry=registry)
    session = app.extensions[ENGINE].crm.session
    session.mount(CRM_URL, crm.line)
    with app.app_context():
        yield app
        db.engine.dispose()


@pytest.fixture
def engine(app: Flask) -> Engine:
    return app.extensions[ENGINE]


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def worker(engine: Engine, clock: Clock) -> StepWorker:
    return StepWorker(engine, clock)


@pytest.fixture
def user(client: FlaskClient) -> dict[str, Any]:
    """A user who is in step with the CRM."""
    answer = client.post("/users", json=ANN)
    assert answer.status_code == 201
    assert answer.json["sync_status"] == "synced", answer.json
    return answer.json


_numbers = itertools.count(1)


@pytest.fixture
def another() -> Callable[..., dict[str, Any]]:
    """Make the fields of one more user."""

    def make(**fields: Any) -> dict[str, Any]:
        number = next(_numbers)
        return {"name": f"User {number}", "email": f"user{number}@example.com", "phone": "123-456-7890", **fields}

    return make


@pytest.fixture
def webhook(client: FlaskClient, clock: Clock) -> Callable[..., Any]:
    """Post an unsigned webhook, a second after whatever came before."""

    def post(crm_id: str, fields: dict[str, Any] | None = None, **more: Any) -> Any:
        clock.pass_(seconds=1)
        body = {"crm_id": crm_id, "updated_fields": fields or {}, "timestamp": clock.now().isoformat(), **more}
        return client.post("/webhook", data=json.dumps(body), content_type="application/json")

    return post


@pytest.fixture
def stack(tmp_path: Path, database_url: str) -> Iterator[Stack]:
    """An installation between real processes, not started yet."""
    made = Stack(tmp_path, database_url)
    yield made
    for name in list(made.running):
        made.kill(name)
