"""Starting with 100,000 records owed: seconds until web is ready and the worker pushes; and memory at rest."""

import logging
import shutil
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from flask import request
from werkzeug.serving import make_server

import mock_crm
from benchmarks.bench import Bench, Row
from benchmarks.load import ROOT, Wrong
from benchmarks.rig import template
from benchmarks.served import line_of, process, production, until_ready

OWED = 100_000
PUSHED_WITHIN = 60.0
RESTS = 3.0
"""Seconds after the start at which a service that owes nothing is at rest: subscribed, and its first pull done."""
MEASURED_AT_REST = 2
"""Rounds that measure memory too: it hardly moves."""
MEGABYTE = 1024


@dataclass
class Heard:
    """A CRM, and when its first write of a user came, by `time.perf_counter`."""

    url: str
    first: float = 0.0
    came: threading.Event = field(default_factory=threading.Event)


def measure(rounds: int, _peers: bool) -> list[Row]:
    ready, pushing, memory = [], [], []
    with template() as empty, tempfile.TemporaryDirectory(prefix="crm-sync-bench-") as folder:
        owed = Path(folder) / "owed.db"
        _owe(empty, owed)
        for number in range(rounds):
            one, other = _started(owed)
            ready.append(one)
            pushing.append(other)
            if number < MEASURED_AT_REST:
                memory.append(_at_rest(empty))
    ones = [1.0] * rounds
    return [
        Row(f"seconds until web is ready, {OWED:,} owed", "s", ready, ones, "less", 5.0),
        Row(f"seconds until the worker's first push, {OWED:,} owed", "s", pushing, ones, "less", 5.0),
        Row("MB of web and worker at rest (PSS)", "MB", memory, [1.0] * len(memory), "less", 250.0),
    ]


def _owe(empty: Path, owed: Path) -> None:
    shutil.copy(empty, owed)
    with sqlite3.connect(owed) as connection:
        connection.executescript((ROOT / "benchmarks" / "start.sql").read_text())
        (count,) = connection.execute("SELECT count(*) FROM outbox").fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    if count != OWED:
        raise Wrong(f"{count} are owed, not {OWED}")


def _started(owed: Path) -> tuple[float, float]:
    """Start web and worker together; return after how long each was at work."""
    with _installed(owed) as (begun, port, _, crm):
        ready = until_ready(port) - begun
        if not crm.came.wait(PUSHED_WITHIN):
            raise Wrong(f"the worker pushed nothing within {PUSHED_WITHIN:g} s")
        return ready, crm.first - begun


def _at_rest(empty: Path) -> float:
    """Return the megabytes of web and worker when there is nothing to do."""
    with _installed(empty) as (begun, port, pids, _):
        until_ready(port)
        time.sleep(max(0.0, begun + RESTS - time.perf_counter()))
        return sum(_pss(pid) for pid in pids) / MEGABYTE


@contextmanager
def _installed(database: Path) -> Iterator[tuple[float, int, list[int], Heard]]:
    """Start web and worker on a copy of a database; yield when that was, the port of web, their pids, and the CRM."""
    with tempfile.TemporaryDirectory(prefix="crm-sync-bench-") as name, _crm(Path(name)) as crm:
        folder = Path(name)
        shutil.copy(database, folder / "app.db")
        environ = production(folder, f"sqlite:///{folder / 'app.db'}") | {"CRM_API_URL": crm.url}
        begun = time.perf_counter()
        with (
            process(line_of("web"), folder, "web", **environ) as (port, web),
            process(line_of("worker"), folder, "worker", **environ) as (_, worker),
        ):
            yield begun, port, [web, worker], crm


@contextmanager
def _crm(folder: Path) -> Iterator[Heard]:
    app = mock_crm.create_app({"MOCK_CRM_DATABASE": folder / "crm.db", "MOCK_CRM_RATE_LIMIT": 0})
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    heard = Heard(f"http://127.0.0.1:{server.server_port}")

    @app.before_request
    def note() -> None:
        if request.method == "POST" and request.path.startswith("/crm/users") and not heard.came.is_set():
            heard.first = time.perf_counter()
            heard.came.set()

    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield heard
    finally:
        server.shutdown()
        server.server_close()
        app.extensions["mock_crm"].stop()


def _pss(pid: int) -> int:
    """Return the kB of a process and all below it, each shared page in parts (Pss of proc_pid_smaps_rollup(5))."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    own = next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(_pss(int(child)) for child in children)


BENCH = Bench("start", f"Starting with {OWED:,} owed; memory at rest", measure)
