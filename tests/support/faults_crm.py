"""The service, its worker and the mock CRM on real sockets in this process, with a clock that runs and can be moved."""

import random
import sys
import threading
import time
from contextlib import ExitStack
from datetime import timedelta

import pytest
import requests

import mock_crm
from app import create_app
from app.core.db import db
from app.core.world import World, utc_now
from app.http.wiring import ENGINE
from app.sync.worker import Worker
from tests.support.settings import SECRET, SETTINGS, USERS
from tests.support.stack import STAFF, Stack
from tests.support.wsgi import serving

ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what never touches the database in a way of its own."""

LIES = {
    "html": {"mode": "html"},
    "html after the write": {"mode": "html", "write": True},
    "half a JSON": {"mode": "bad_json"},
    "half a JSON, not done": {"mode": "bad_json", "write": False},
    "an empty 200": {"mode": "empty"},
    "a 204": {"mode": "empty", "status": 204},
    "a 204, not done": {"mode": "empty", "status": 204, "write": False},
    "an error in a 200": {"mode": "error_in_200"},
    "an error in a 200 after the write": {"mode": "error_in_200", "write": True},
    "no crm_id": {"mode": "no_crm_id"},
    "crm_id null": {"mode": "null_crm_id"},
    "a body of 100 MB": {"mode": "huge", "megabytes": 100},
    "cut before the write": {"mode": "cut_before"},
    "cut after the write": {"mode": "cut_after"},
    "cut in the middle of the answer": {"mode": "truncated"},
    "a 500 after the write": {"mode": "status", "status": 500, "write": True},
}


class RunningClock:
    """Time that passes by itself, and faster when a test says so; whoever sleeps lets it pass."""

    def __init__(self):
        self.ahead = 0.0
        self.slept = []
        self._lock = threading.Lock()

    def now(self):
        return utc_now() + timedelta(seconds=round(self.ahead, 3))

    def monotonic(self):
        return time.monotonic() + self.ahead

    def timestamp(self):
        return time.time() + self.ahead

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.pass_(seconds=seconds)
        time.sleep(0.001)

    def pass_(self, **span):
        with self._lock:
            self.ahead += timedelta(**span).total_seconds()


class Site(Stack):
    """An installation in threads: what `Stack` is in processes. Web and worker each have an application of their own."""

    def __init__(self, folder, database_url, settings):
        super().__init__(folder, database_url)
        self.folder = folder
        self.clock = self.crm_clock = RunningClock()
        self.settings = SETTINGS | {
            "SQLALCHEMY_DATABASE_URI": database_url,
            "CRM_API_URL": self.crm,
            "PUBLIC_URL": self.api,
            "WEBHOOK_UNSIGNED": False,
            "LOG_FILE": str(folder / "app.log"),
            "CRM_TIMEOUT": 0.7,
            "CRM_CALLS_AT_ONCE": 4,
        }
        self.settings |= settings
        self.environ |= {"WEBHOOK_SECRET": SECRET, "SECRET_KEY": SETTINGS["SECRET_KEY"]}
        self.apps = {}

    def start(self, name):
        self.running[name] = ExitStack()
        {"crm": self._start_crm, "web": self._start_web, "worker": self._start_worker}[name](self.running[name])

    def kill(self, name):
        self.running.pop(name).close()

    def stop(self):
        for name in ("worker", "web", "crm"):
            if name in self.running:
                self.kill(name)

    def hurry(self):
        self.clock.pass_(seconds=10)

    def engine(self, name="web"):
        return self.apps[name].extensions[ENGINE]

    def _start_crm(self, running):
        about = {"DATABASE": self.folder / "mock.db", "FAULTS": 1, "RATE_LIMIT": 0, "WEBHOOK_PAUSE": 0.05}
        about |= {"CLOCK": lambda: self.crm_clock.timestamp()}  # noqa: PLW0108  (a test may give it another)
        app = mock_crm.create_app({f"MOCK_CRM_{name}": value for name, value in about.items()})
        self.apps["crm"] = app
        running.callback(app.extensions["mock_crm"].stop)
        running.enter_context(serving(app, self.crm_port))

    def _start_web(self, running):
        running.enter_context(serving(self._app("web", running), self.port))

    def _start_worker(self, running):
        app = self._app("worker", running)
        worker = Worker(app, app.extensions[ENGINE])
        thread = threading.Thread(target=worker.run, name="worker")
        thread.start()
        running.callback(thread.join)
        running.callback(worker.stop)

    def _app(self, name, running):
        clock = self.clock
        world = World(now=clock.now, monotonic=clock.monotonic, sleep=clock.sleep, random=random.Random(7))
        app = self.apps[name] = create_app(self.settings, world=world, registry=USERS)
        running.callback(_dispose, app)
        return app


def _dispose(app):
    with app.app_context():
        db.engine.dispose()


def fault(stack, mode, **about):
    answer = requests.post(f"{stack.crm}/crm/_faults", json={"mode": mode, **about}, timeout=5)
    assert answer.status_code == 201, answer.text


def waiting_faults(stack, mode):
    """Return the faults of this mode that no call has met yet."""
    found = requests.get(f"{stack.crm}/crm/_faults", timeout=5).json()["items"]
    return [one for one in found if one["mode"] == mode]


def heal(stack):
    requests.delete(f"{stack.crm}/crm/_faults", timeout=5).raise_for_status()


def calls(stack, *kinds):
    """Return how many calls of these kinds the CRM has had; of all that are for records, if none is named."""
    counted = requests.get(f"{stack.crm}/crm/_stats", timeout=5).json()["calls"]
    return sum(count for kind, count in counted.items() if kind in kinds or (not kinds and " users" in kind))


def forget_calls(stack):
    requests.delete(f"{stack.crm}/crm/_stats", timeout=5).raise_for_status()


def patch(stack, user, **fields):
    return requests.patch(f"{stack.api}/users/{user['id']}", json=fields, timeout=60)


def sync(stack, user):
    """Push and pull one record now, as a person who looks after it would."""
    return requests.post(f"{stack.api}/users/{user['id']}/sync", timeout=60).json()


def pull(stack):
    return requests.post(f"{stack.api}/sync", json={"direction": "pull"}, timeout=120).json()


def status(stack):
    return requests.get(f"{stack.api}/sync/status", timeout=30).json()


def conflicts(stack, query=""):
    return requests.get(f"{stack.api}/sync/conflicts{query}", timeout=5).json()["data"]


def create_there(stack, **fields):
    return requests.post(f"{stack.crm}/crm/users", json=fields, headers=STAFF, timeout=5).json()


def delete_there(stack, crm_id):
    assert requests.delete(f"{stack.crm}/crm/users/{crm_id}", headers=STAFF, timeout=5).status_code == 204


def tell(capsys, figure):
    """Let whoever runs the tests see a figure."""
    with capsys.disabled():
        sys.stdout.write(f"\n{figure}\n")
