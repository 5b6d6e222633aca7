"""Ours and a floor as processes: both as the Procfile starts the web, the floor with gunicorn's own gthread.

Two processes of eight threads each, on both sides, as who has two cores would serve `SYNC_MODE=worker`.
"""

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.load import ROOT, Order, Wrong, request, run
from benchmarks.stored import NOWHERE, Stored, stored

TOKEN = secrets.token_urlsafe(32)
SECRET = secrets.token_urlsafe(32)
READY_WITHIN = 60.0
WARM_UP = 0.5
PROCESSES = 2
SEVERAL = {"WEB_CONCURRENCY": str(PROCESSES), "WEB_THREADS": "8"}
ENOUGH = 1500
"""Requests of a warm-up; for what follows it, as many as the last slice shows to be enough."""


@dataclass(frozen=True)
class Served:
    """Both servers, and what is in their databases."""

    ours: int
    floor: int
    stored: Stored


@contextmanager
def both(kind: str, known: int = 0, **environ: str) -> Iterator[Served]:
    """Serve ours and the floor, each on a database of its own; `environ` is for both."""
    environ = SEVERAL | environ
    with (
        tempfile.TemporaryDirectory(prefix="crm-sync-bench-") as name,
        stored(kind, Path(name), known) as made,
        web(Path(name), made.ours, **environ) as ours,
        process(_floor(), Path(name), "floor", FLOOR_DATABASE=made.floor, **environ) as (floor, _),
    ):
        for port in (ours, floor):
            until_ready(port)
        yield Served(ours, floor, made)


@contextmanager
def web(folder: Path, database_url: str, **environ: str) -> Iterator[int]:
    """Start what the Procfile calls web; yield its port."""
    settings = production(folder, database_url) | environ
    with process(line_of("web"), folder, "web", **settings) as (port, _):
        yield port


def production(folder: Path, database_url: str) -> dict[str, str]:
    """Return the settings of a service in production whose CRM is away, and which leaves nothing outside the folder."""
    return {
        "APP_ENV": "production",
        "DATABASE_URL": database_url,
        "SYNC_MODE": "worker",
        "SECRET_KEY": secrets.token_urlsafe(32),
        "API_TOKENS": TOKEN,
        "WEBHOOK_SECRET": SECRET,
        "CRM_API_URL": NOWHERE,
        "CRM_AUTH_TYPE": "api_key",
        "CRM_API_KEY": "demo-api-key",
        "CRM_PACE_FILE": str(folder / "crm.pace"),
        "LOG_LEVEL": "INFO",
    }


def _floor() -> str:
    """Return how the floor is started: as ours is, with gunicorn's own worker."""
    line = line_of("web").replace("wsgi:app", "benchmarks.floors:app").replace("app.server.PatientWorker", "gthread")
    assert "floors" in line
    assert "gthread" in line
    return line


def line_of(name: str) -> str:
    """Return how the Procfile starts a process."""
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line)
    return lines[name]


@contextmanager
def process(line: str, folder: Path, name: str, **environ: str) -> Iterator[tuple[int, int]]:
    """Start a line of shell with a port of its own; yield port and pid, and end it with all its children."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = os.environ | {"PATH": path, "PORT": str(port), "PYTHONUNBUFFERED": "1"} | environ
    with (folder / f"{name}.err").open("wb") as log:
        started = subprocess.Popen(
            ["/bin/sh", "-c", line], cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield port, started.pid
    finally:
        with suppress(ProcessLookupError):  # what it leaves behind is thrown away, so nothing has to end well
            os.killpg(started.pid, signal.SIGKILL)  # a session of its own: nobody else is in it
        started.wait()


def until_ready(port: int, every: float = 0.02) -> float:
    """Wait until /readyz answers 200; return when that was, by `time.perf_counter`."""
    until = time.perf_counter() + READY_WITHIN
    while time.perf_counter() < until:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=READY_WITHIN)
        with suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                connection.close()
                return time.perf_counter()
        connection.close()
        time.sleep(every)
    raise Wrong(f"nothing was ready on port {port} within {READY_WITHIN:g} s")


def call(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Return a request of somebody who holds a token."""
    return request(method, path, body, Authorization=f"Bearer {TOKEN}", **headers)


class Side:
    """One server under load, slice after slice: `measure` returns its requests/s, `p99` has one of each slice, in ms.

    `make` is asked for so many requests before each slice, and `status` and `holds` are what the answers have to be.
    """

    def __init__(
        self, port: int, make: Callable[[int], list[bytes]], status: int, holds: bytes = b"", *,
        seconds: float, again: bool = False, processes: int = PROCESSES,
    ) -> None:  # fmt: skip
        self._port, self._make, self._again = port, make, again
        self._status, self._holds, self._seconds = status, holds, seconds
        self._enough, self._processes = ENOUGH, processes
        self.p99: list[float] = []
        self.sent: list[bytes] = []
        self._slice(WARM_UP)

    def measure(self) -> float:
        rate, p99 = self._slice(self._seconds)
        self.p99.append(p99)
        return rate

    def _slice(self, seconds: float) -> tuple[float, float]:
        requests = self._make(self._enough)
        order = Order(
            self._port, requests, seconds, self._status, self._holds, again=self._again, processes=self._processes
        )
        found = run(order)
        self.sent = requests[: found.sent]
        self._enough = max(ENOUGH, int(found.rate * self._seconds * 1.5))
        return found.rate, found.p99
