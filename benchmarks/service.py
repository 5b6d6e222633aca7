"""The service in a process of its own, as a command line would run it: told what to do, it says how long it took."""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import current_app

from app import create_app, garbage
from app.core.db import db
from app.http.wiring import ENGINE
from app.resources import REGISTRY
from app.services import batches, plans, runs, verifying
from app.sync.engine import Engine
from app.sync.runs import Asked
from app.sync.worker import Worker
from benchmarks import people
from benchmarks.databases import Database

ROOT = Path(__file__).resolve().parent.parent
AT_ONCE = 500


@dataclass(frozen=True)
class Done:
    """What was done: seconds of the clock and of the processor, the most memory the process had (MB), and its result.

    The clock starts when the service is ready, with its engine made, and stops when the result is there.
    """

    seconds: float
    busy: float
    peak: float
    result: Any


class Service:
    """A service that is ready."""

    def __init__(self, started: subprocess.Popen[str]) -> None:
        self.started = started

    def do(self, what: str, **how: Any) -> Done:
        self.begin(what, **how)
        assert self.started.stdout is not None
        line = self.started.stdout.readline()
        if not line:
            raise RuntimeError(f"The service ended during {what}: see above.")
        return Done(*json.loads(line))

    def begin(self, what: str, **how: Any) -> None:
        """Tell it, and do not wait."""
        assert self.started.stdin is not None
        self.started.stdin.write(json.dumps([what, how]) + "\n")
        self.started.stdin.flush()


@contextmanager
def ready(database: Database, crm_url: str, **settings: Any) -> Iterator[Service]:
    """Start a service and end it. Its log lines are written as they always are, to a file."""
    about = {
        "APP_ENV": "testing",
        "SQLALCHEMY_DATABASE_URI": database.url,
        "CRM_API_URL": crm_url,
        "CRM_AUTH_TYPE": "api_key",
        "CRM_API_KEY": "demo-api-key",
        "CRM_PACE_FILE": str(database.folder / "crm.pace"),
        "SYNC_MODE": "worker",
        "LOG_FILE": "",
        **settings,
    }
    log = database.folder / "service.log"
    command = [sys.executable, "-m", "benchmarks.service", json.dumps(about)]
    with (
        log.open("w") as lines,
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=lines, text=True
        ) as started,
    ):
        try:
            service = Service(started)
            service.do("nothing")
            yield service
        except RuntimeError:
            print(log.read_text()[-3000:], file=sys.stderr)
            raise
        finally:
            started.terminate()


def _nothing(_: Engine) -> None:
    """Answer, to say that it is ready."""


def _run(engine: Engine, direction: Any) -> dict[str, Any]:
    return runs.run(engine, Asked(direction, ("users",), "bench"))


def _make(engine: Engine, count: int) -> int:
    """Store new users, which are owed to the CRM then."""
    for start in range(1, count + 1, AT_ONCE):
        drafts = [people.fields(number) for number in range(start, min(start + AT_ONCE, count + 1))]
        made = batches.create_many(engine, REGISTRY["users"], drafts)
        assert not any(isinstance(one, Exception) for one in made), made[:3]
    return count


def _plan(engine: Engine) -> dict[str, Any]:
    return plans.plan(engine, "both", ("users",), 100)


def _verify(engine: Engine) -> dict[str, Any]:
    return verifying.verify(engine, ("users",), repair=False, by="bench")


def _work(engine: Engine) -> None:
    """Be a worker, until this process is ended."""
    Worker(current_app._get_current_object(), engine).run()  # type: ignore[attr-defined]  # noqa: SLF001


DO: dict[str, Callable[..., Any]] = {
    "nothing": _nothing, "run": _run, "make": _make, "plan": _plan, "verify": _verify, "work": _work,
}  # fmt: skip


def main() -> None:
    app = create_app(json.loads(sys.argv[1]))
    garbage.settle()  # as wsgi.py does
    engine: Engine = app.extensions[ENGINE]
    with app.app_context():
        for line in sys.stdin:
            what, how = json.loads(line)
            busy, begun = time.process_time(), time.perf_counter()
            result = DO[what](engine, **how)
            seconds, busy = time.perf_counter() - begun, time.process_time() - busy
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(json.dumps([seconds, busy, peak, result]), flush=True)
        db.engine.dispose()


if __name__ == "__main__":
    main()
