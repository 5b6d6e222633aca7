"""Builds mock CRMs for the tests: in process, on a real socket, and somebody who receives their webhooks."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mock_crm import create_app
from tests.support.wsgi import serving

ANN = {"name": "Ann Example", "email": "ann@example.com", "phone": "+49 30 1234"}


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ann() -> dict[str, Any]:
    return dict(ANN)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Start a mock CRM; a second one on the same file is the first one after a restart."""
    with ExitStack() as running:

        def start(**settings: Any) -> Flask:
            given = {"DATABASE": tmp_path / "crm.db", "FAULTS": 1, "WEBHOOK_PAUSE": 0.05, **settings}
            app = create_app({f"MOCK_CRM_{name}": value for name, value in given.items()})
            running.callback(app.extensions["mock_crm"].stop)
            return app

        yield start


@pytest.fixture
def mock_app(start: Callable[..., Flask]) -> Flask:
    return start()


@pytest.fixture
def mock_client(mock_app: Flask) -> FlaskClient:
    return mock_app.test_client()


@pytest.fixture
def auth() -> dict[str, str]:
    return {"X-API-Key": "demo-api-key"}


@pytest.fixture
def crm(mock_client: FlaskClient, auth: dict[str, str]) -> FlaskClient:
    """A client that has signed in."""
    mock_client.environ_base["HTTP_X_API_KEY"] = auth["X-API-Key"]
    return mock_client


@pytest.fixture
def users(crm: FlaskClient) -> Callable[[], list[dict[str, Any]]]:
    """Every record there is, from the feed."""
    return lambda: crm.get("/crm/users?limit=1000").json["items"]


@pytest.fixture
def url(mock_app: Flask) -> Iterator[str]:
    """The mock CRM on a real socket."""
    with serving(mock_app) as address:
        yield address


@dataclass
class Receiver:
    """Receives webhooks, and refuses them as `refuse` says: called with the body, it gives a status."""

    url: str = ""
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    refuse: Callable[[dict[str, Any]], int] = lambda _: 200

    @property
    def bodies(self) -> list[dict[str, Any]]:
        import json

        return [json.loads(body) for _, body in list(self.got)]

    def wait_for(self, count: int, timeout: float = 8) -> list[dict[str, Any]]:
        until(lambda: len(self.got) >= count, timeout)
        return self.bodies


def until(condition: Callable[[], Any], timeout: float = 8) -> None:
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


@pytest.fixture
def eventually() -> Callable[..., None]:
    return until


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    import json

    sink = Receiver()

    class Endpoint(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sink.got.append((dict(self.headers), body))
            self.send_response(sink.refuse(json.loads(body)))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    sink.url = f"http://127.0.0.1:{server.server_port}/hook"
    yield sink
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def subscribed(crm: FlaskClient, receiver: Receiver) -> Receiver:
    assert crm.post("/crm/webhooks", json={"url": receiver.url, "secret": "not so secret"}).status_code == 201
    return receiver


@pytest.fixture
def fault(crm: FlaskClient) -> Callable[..., dict[str, Any]]:
    def fault(mode: str, **parameters: Any) -> dict[str, Any]:
        answer = crm.post("/crm/_faults", json={"mode": mode, **parameters})
        assert answer.status_code == 201, answer.json
        return answer.json

    return fault
