"""A stack that is hurt on purpose: signals, second processes, faults of its CRM, and a database of its own."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest
import requests
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.support import databases
from tests.support.faults_own_checks import ready
from tests.support.stack import ROOT, STAFF, Stack, until

ASYNC = {"Prefer": "respond-async"}
QUICK_ON_SQLITE = pytest.mark.parametrize(
    "database_url", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True
)
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@contextmanager
def shared(request, tmp_path_factory, **environ):
    """An installation that a whole module uses, on the database that `request.param` names."""
    folder = tmp_path_factory.mktemp("shared")
    url = f"sqlite:///{folder / 'app.db'}"
    if request.param == "sqlite":
        databases.migrate(url)
    else:
        url = request.getfixturevalue("postgres_schema")
    stack = Stack(folder, url, **environ)
    try:
        stack.start_all()
        yield stack
    finally:
        end(stack)
        if request.param == "postgresql":
            databases.empty(url)


def end(stack):
    for name in list(stack.running):
        stack.kill(name)


def missing(what):
    """Skip for want of `what`, or fail where nothing may be missing."""
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(f"{what}, and REQUIRE_SERVICES is 1.")
    pytest.skip(f"{what}.")


def restart(stack, *names):
    """kill -9 and start again; return the seconds until the service was ready."""
    for name in names:
        stack.kill(name)
    began = time.monotonic()
    for name in names:
        stack.start(name)
    ready(stack)
    return time.monotonic() - began


def stop(stack, name):
    """Ask one process to end as an operator does; return its exit code and the seconds it took."""
    process, began = stack.running.pop(name), time.monotonic()
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(60), time.monotonic() - began
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def another(stack, name, of, **environ):
    """Add one more process of a kind, with a few settings of its own."""
    settings = " ".join(f"export {key}='{value}';" for key, value in environ.items())
    stack.commands[name] = f"{settings} {stack.commands[of]}"


def fault(stack, mode, **more):
    answer = requests.post(f"{stack.crm}/crm/_faults", json={"mode": mode, **more}, headers=STAFF, timeout=5)
    assert answer.status_code == 201, answer.text


def heal(stack):
    assert requests.delete(f"{stack.crm}/crm/_faults", headers=STAFF, timeout=5).ok


def calls(stack):
    return requests.get(f"{stack.crm}/crm/_stats", headers=STAFF, timeout=5).json()["calls"]


def write(stack, statement, **values):
    engine = create_engine(stack.environ["DATABASE_URL"], poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(statement), values)


def flask(stack, *words, **more):
    """Run a command of the service to its end."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
    return subprocess.run(
        command, cwd=ROOT, env=stack.environ, capture_output=True, text=True, timeout=300, check=True, **more
    )


def in_outbox(stack, count, folder):
    """Take in so many users from a file: each owes the CRM its creation."""
    file = folder / "users.csv"
    lines = (f"User {number},user{number}@example.com,123-456-7890\n" for number in range(count))
    file.write_text("name,email,phone\n" + "".join(lines))
    flask(stack, "sync", "import", str(file))


@contextmanager
def flocked(path):
    """Hold a lock file, as another process of the service would."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def in_background(work, count=1):
    """Do `work(number)` again and again in threads of their own until the block ends; its errors are the test's."""
    stopping, problems = threading.Event(), []

    def loop(number):
        try:
            while not stopping.is_set():
                work(number)
        except Exception as error:  # noqa: BLE001
            problems.append(error)

    threads = [threading.Thread(target=loop, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(90)
    assert problems == []


def soon(check, what, seconds=30):
    return until(check, seconds=seconds, what=what)


def leases_end(stack):
    """Let the minute pass that the dead are given to be alive after all."""
    past = (
        "2020-01-01 00:00:00+00:00" if "postgresql" in stack.environ["DATABASE_URL"] else "2020-01-01 00:00:00.000000"
    )
    write(stack, "UPDATE outbox SET lease_until = :past WHERE lease_until IS NOT NULL", past=past)


@contextmanager
def no_commits(stack):
    """Let nobody write to the database meanwhile."""
    url = stack.environ["DATABASE_URL"]
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.connection.driver_connection.isolation_level = None
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("LOCK TABLE users, outbox, journal, answers IN EXCLUSIVE MODE"))
        yield
        connection.rollback()


def note(figures):
    """Say what was measured, to whoever runs the tests with -rP or -s."""
    sys.stdout.write(f"{figures}\n")


@contextmanager
def connected(stack):
    """A bare connection to the service."""
    with socket.create_connection(("127.0.0.1", stack.port), timeout=30) as line:
        yield line


def all_of(line):
    """Read until the other side closes."""
    parts = []
    while part := line.recv(65536):
        parts.append(part)
    return b"".join(parts)
