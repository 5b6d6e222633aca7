"""Web, worker and mock CRM in real processes, as the Procfile starts them, on a database and ports of their own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from honcho.environ import parse_procfile

from benchmarks import databases

ROOT = Path(__file__).resolve().parent.parent
STAFF = {"X-API-Key": "demo-api-key"}
LONGEST = 30.0
"""Seconds for anything to happen before a bench gives up."""


@dataclass(frozen=True)
class Installation:
    """The addresses of both sides."""

    here: str
    crm: str

    def in_crm(self) -> int:
        """Return how many users are in the CRM."""
        found: dict[str, Any] = requests.get(f"{self.crm}/crm/_stats", headers=STAFF, timeout=5).json()
        return int(found["records"]["users"]["live"])


@contextmanager
def running(**settings: str) -> Iterator[Installation]:
    """Start all three, wait until the CRM knows where its webhooks go, and end them."""
    port, crm_port = _free_port(), _free_port()
    made = Installation(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{crm_port}")
    with databases.sqlite_template() as template, databases.sqlite(template) as database:
        about = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PORT": str(port),
            "MOCK_CRM_PORT": str(crm_port),
            "DATABASE_URL": database.url,
            "MOCK_CRM_DATABASE": str(database.folder / "crm.db"),
            "MOCK_CRM_FAULTS": "0",
            "CRM_PACE_FILE": str(database.folder / "crm.pace"),
            "LOG_FILE": "",
            "APP_ENV": "testing",
            "WEBHOOK_SECRET": "a-secret-for-this-bench",
            "SECRET_KEY": "x" * 32,
            **settings,
        }
        with (database.folder / "log").open("wb") as log, _started({**os.environ, **about}, log):
            until(lambda: requests.get(f"{made.here}/readyz", timeout=1).ok)
            until(lambda: requests.get(f"{made.crm}/crm/webhooks", headers=STAFF, timeout=1).json()["items"])
            yield made


@contextmanager
def _started(environ: dict[str, str], log: Any) -> Iterator[None]:
    commands = dict(parse_procfile((ROOT / "Procfile").read_text()).processes)
    processes: list[subprocess.Popen[bytes]] = []
    try:
        for name in ("crm", "web", "worker"):
            command = ["/bin/sh", "-c", commands[name]]
            processes.append(
                subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log, start_new_session=True)
            )
        yield
    finally:
        for one in processes:
            os.killpg(one.pid, signal.SIGTERM)
        for one in processes:
            try:
                one.wait(LONGEST)
            except subprocess.TimeoutExpired:
                os.killpg(one.pid, signal.SIGKILL)
                one.wait(LONGEST)


def until(happened: Callable[[], object], pause: float = 0.05) -> None:
    """Wait until something happens. Raises TimeoutError."""
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        try:
            if happened():
                return
        except requests.RequestException:
            pass
        time.sleep(pause)
    raise TimeoutError("It did not happen.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
