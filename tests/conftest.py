"""Both databases, a CRM in process, a clock that the test moves, and the worker a step at a time."""

import io
import itertools
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from requests.adapters import BaseAdapter
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError
from urllib3 import HTTPResponse
from werkzeug.test import Client, EnvironBuilder

os.environ["APP_ENV"] = "testing"  # before anything reads the settings: no secrets kept, no files shared

import mock_crm
from app import create_app
from app.core.db import db
from app.core.world import World
from app.http.wiring import ENGINE
from app.services import operations
from app.sync import parked, push
from app.sync.engine import Engine

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
CRM_URL = "http://crm.example"
ANN = {"name": "Ann Example", "email": "ann@example.com", "phone": "123-456-7890"}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


# ── databases ────────────────────────────────────────────────────────────────────────────────────────────────────


def _postgres_answers() -> bool:
    try:
        engine = create_engine(POSTGRES, connect_args={"connect_timeout": 2})
        with engine.connect():
            return True
    except DBAPIError:
        return False
    finally:
        engine.dispose()


@pytest.fixture(scope="session")
def postgres_schema() -> Iterator[str]:
    """A schema of its own for this run of the tests."""
    if not _postgres_answers():
        if os.environ.get("REQUIRE_SERVICES") == "1":
            pytest.fail("PostgreSQL does not answer, and REQUIRE_SERVICES is 1.")
        pytest.skip("PostgreSQL does not answer at TEST_POSTGRES_URL.")
    schema = f"crm_sync_test_{os.getpid()}"
    engine = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    url = f"{POSTGRES}{'&' if '?' in POSTGRES else '?'}options=-csearch_path%3D{schema}"
    _migrate(url)
    yield url
    with engine.connect() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "template.db"
    _migrate(f"sqlite:///{path}")
    return path


def _migrate(url: str) -> None:
    app = create_app(SETTINGS | {"SQLALCHEMY_DATABASE_URI": url})
    with app.app_context():
        upgrade()
        db.engine.dispose()


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
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        names = ", ".join(table.name for table in db.metadata.sorted_tables)
        connection.execute(text(f"TRUNCATE {names}"))
    engine.dispose()


# ── the world ────────────────────────────────────────────────────────────────────────────────────────────────────


class Clock:
    """Time that stands still until the test moves it; sleeping moves it too."""

    def __init__(self) -> None:
        self.start = datetime.now(UTC).replace(microsecond=0)
        self.passed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        moment = self.start + timedelta(seconds=self.passed)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        return 1000.0 + self.passed

    def timestamp(self) -> float:
        self.passed += 0.001  # the CRM's every look at the clock is a little later
        return self.start.timestamp() + self.passed

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds

    def pass_(self, **span: float) -> None:
        self.passed += timedelta(**span).total_seconds()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(clock: Clock) -> World:
    return World(now=clock.now, monotonic=clock.monotonic, sleep=clock.sleep, random=random.Random(7))


# ── the CRM ──────────────────────────────────────────────────────────────────────────────────────────────────────


class InProcess(BaseAdapter):
    """Carries the client's requests to a WSGI application without a socket; a cut line is a ConnectionError."""

    def __init__(self, wsgi: Any) -> None:
        super().__init__()
        self.client = Client(wsgi)
        self.sent: list[requests.PreparedRequest] = []
        self.before: Callable[[requests.PreparedRequest], None] = lambda _request: None
        self.after: Callable[[requests.PreparedRequest], None] = lambda _request: None

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        self.sent.append(request)
        self.before(request)
        builder = EnvironBuilder(
            path=request.path_url.partition("?")[0],
            query_string=request.path_url.partition("?")[2],
            method=request.method,
            headers=dict(request.headers),
            data=request.body or b"",
        )
        try:
            answer = self.client.open(builder, buffered=True)
            body = answer.get_data()
        except (ConnectionError, OSError) as error:
            raise requests.ConnectionError("cut", request=request) from error
        if "Content-Length" in answer.headers and int(answer.headers["Content-Length"]) != len(body):
            raise requests.ConnectionError("truncated", request=request)
        self.after(request)
        response = requests.Response()
        response.status_code = answer.status_code
        response.headers.update(dict(answer.headers))
        response.raw = HTTPResponse(io.BytesIO(body), preload_content=False)
        response.request, response.url = request, request.url
        return response

    def close(self) -> None:
        """Nothing to close."""


class Crm:
    """The mock CRM, as its staff and its logs see it."""

    def __init__(self, app: Flask) -> None:
        self.wsgi = app
        self.http = app.test_client()
        self.line = InProcess(app)
        self._headers = {"X-API-Key": "demo-api-key"}

    def create(self, **fields: Any) -> dict[str, Any]:
        return self._json(self.http.post("/crm/users", json=fields, headers=self._headers), 201)

    def edit(self, crm_id: str, **fields: Any) -> dict[str, Any]:
        return self._json(self.http.patch(f"/crm/users/{crm_id}", json=fields, headers=self._headers), 200)

    def get(self, crm_id: str) -> dict[str, Any] | None:
        answer = self.http.get(f"/crm/users/{crm_id}", headers=self._headers)
        return answer.get_json() if answer.status_code == 200 else None

    def delete(self, crm_id: str) -> None:
        assert self.http.delete(f"/crm/users/{crm_id}", headers=self._headers).status_code == 204

    def all(self) -> list[dict[str, Any]]:
        answer = self.http.get("/crm/users?updated_since=&limit=1000", headers=self._headers)
        return [item for item in self._json(answer, 200)["items"] if not item["deleted"]]

    def fault(self, mode: str, **about: Any) -> None:
        assert self.http.post("/crm/_faults", json={"mode": mode, **about}).status_code in {200, 201}

    def heal(self) -> None:
        self.http.delete("/crm/_faults")

    def calls(self, method: str | None = None, path: str = "/crm/users") -> list[requests.PreparedRequest]:
        """Return what the service has sent, without its calls for tokens."""
        return [one for one in self.line.sent if one.path_url.startswith(path) and method in {None, one.method}]

    @staticmethod
    def _json(answer: Any, status: int) -> dict[str, Any]:
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.get_json()


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

SETTINGS: dict[str, Any] = {
    "APP_ENV": "testing",
    "TESTING": True,
    "CRM_API_URL": CRM_URL,
    "WEBHOOK_SECRETS": [SECRET],
    "WEBHOOK_UNSIGNED": True,
    "LOG_FILE": "",
    "CRM_PACE_FILE": "",
    "SECRET_KEY": "only-for-tests",
}


@pytest.fixture
def settings() -> dict[str, Any]:
    """What a test module may override to run with other settings."""
    return {}


@pytest.fixture
def app(database_url: str, crm: Crm, world: World, settings: dict[str, Any]) -> Iterator[Flask]:
    app = create_app(SETTINGS | {"SQLALCHEMY_DATABASE_URI": database_url} | settings, world=world)
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


class StepWorker:
    """The worker's steps, called by the test."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.engine = engine
        self.clock = clock

    def push(self, rounds: int = 20) -> int:
        """Push what is due until nothing is."""
        count = 0
        for _ in range(rounds):
            tasks = push.due(self.engine, 100)
            for task in tasks:
                push.push(self.engine, task)
            count += len(tasks)
            if not tasks:
                break
        return count

    def drain(self, rounds: int = 40) -> None:
        """Let time pass and push until nothing is owed."""
        for _ in range(rounds):
            self.push()
            self.settle()
            if not any(one["owed"] + one["parked"] for one in operations.status(self.engine)["resources"].values()):
                return
            self.clock.pass_(seconds=60)

    def pull(self) -> dict[str, Any]:
        return operations.run(self.engine, "pull", list(self.engine.registry), "test")

    def settle(self) -> int:
        """Look up what is parked."""
        return parked.step(self.engine)


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
