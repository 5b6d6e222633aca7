"""Runs in tests: begun, cut off half-way, and everything that is stored, to see what they changed."""

import itertools
from contextlib import contextmanager

import pytest

from app.core.db import db, reading
from app.services.runs import run
from app.simulator.foretold import of_run
from app.sync.runs import Asked
from app.sync.worker import Worker
from tests.support.users import LATER

_numbers = itertools.count(1)


class Killed(BaseException):
    """The process is gone: nobody tidies up behind it."""


@contextmanager
def cut_off(monkeypatch):
    """Whoever is killed in here gives no lease back, as nobody does who is killed."""
    with monkeypatch.context() as patched:
        patched.setattr("app.store.runs.release_lease", lambda *_: None)
        with pytest.raises(Killed):
            yield


def kill_at(crm, number, *, method="GET", path="/crm/users", after=False):
    """Kill whoever makes the call of this number from now on, before or after the CRM has done it."""
    calls = itertools.count(1)

    def look(request):
        if request.method == method and request.path_url.startswith(path) and next(calls) == number:
            crm.line.before = crm.line.after = lambda _request: None
            raise Killed

    setattr(crm.line, "after" if after else "before", look)


def do(engine, direction, **asked):
    return run(engine, Asked(direction, ("users",), asked.pop("by", "test"), **asked))


def wake_up(app, engine, clock):
    """Let a worker find what lies about after everybody was silent for too long."""
    clock.pass_(minutes=3)
    Worker(app, engine).pull_step()


def new_users(client, count, **fields):
    """Make users here whom the CRM has yet to hear of."""
    numbers = itertools.islice(_numbers, count)
    made = [{"name": f"Person {n}", "email": f"person{n}@example.com", "phone": None, **fields} for n in numbers]
    return [client.post("/users", json=one, headers=LATER).json for one in made]


def new_there(crm, count, **fields):
    numbers = itertools.islice(_numbers, count)
    return [crm.create(name=f"Person {n}", email=f"person{n}@example.com", **fields) for n in numbers]


def tables():
    """Return every row of every table."""
    with reading() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(table.select()).all()))
            for table in db.metadata.sorted_tables
        }


def done_here(run_id):
    """Return what a run changed here, in order."""
    return of_run(run_id, "users")[0]


def done_there(run_id):
    """Return what a run changed in the CRM, in order."""
    return of_run(run_id, "users")[1]
