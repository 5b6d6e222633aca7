"""Stopping and starting: SIGTERM amid work, two servers at once on an empty database, a migration cut in the middle."""

import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress

import pytest
import requests

from tests.support import databases
from tests.support import faults_own_stack as hurt
from tests.support.faults_own_checks import ready, rows, well
from tests.support.stack import ROOT, Stack, free_port, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()",
}
LOCKED = """SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid)
            WHERE application_name = 'crm_sync_bare' AND mode = 'AccessExclusiveLock'"""


@hurt.QUICK_ON_SQLITE
def test_sigterm_answers_what_is_in_flight_and_the_outbox_goes_on_after_the_start(stack, tmp_path):
    stack.start_all()
    stack.kill("worker")
    hurt.in_outbox(stack, 300, tmp_path)
    hurt.fault(stack, "slow", seconds=4, count=30, method="POST", path="/crm/users")
    stack.start("worker")

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(stack.create, f"in.flight{number}@example.com") for number in range(8)]
        until(lambda: hurt.calls(stack).get("POST users", 0) + len(in_flight(stack)) >= 8, what="eight in flight")
        stopped = [hurt.stop(stack, name) for name in ("web", "worker")]

    users = [answer.result() for answer in answers]
    assert [answer.status_code for answer in users] == [201] * 8
    assert [code for code, _ in stopped] == [0, 0]
    assert max(seconds for _, seconds in stopped) < 30
    hurt.heal(stack)
    stack.start("web")
    stack.start("worker")
    well(stack, [answer.json() for answer in users])
    assert len(rows(stack, "SELECT id FROM users")) == 308


def in_flight(stack):
    return rows(stack, "SELECT 1 FROM users WHERE email LIKE 'in.flight%'")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_stack(request, tmp_path):
    """A stack whose database has no tables yet."""
    if request.param == "sqlite":
        made = Stack(tmp_path, f"sqlite:///{tmp_path / 'app.db'}")
        yield made
        hurt.end(made)
        return
    request.getfixturevalue("postgres_schema")  # so that a missing PostgreSQL is said in one way
    with databases.bare_schema(f"crm_sync_bare_{os.getpid()}") as url:
        made = Stack(tmp_path, f"{url}&application_name=crm_sync_bare")
        yield made
        hurt.end(made)


@pytest.mark.long
def test_two_servers_that_start_at_once_on_an_empty_database_make_one_schema(empty_stack, tmp_path):
    stack = empty_stack
    own = {"PORT": str(free_port()), "MOCK_CRM": "0", "CRM_API_URL": stack.crm}
    screen = tmp_path / "screen.txt"  # not a log: it shows a first call to try
    servers = [as_make_run_does(stack.environ, screen), as_make_run_does(stack.environ | own, screen)]
    try:
        ready(stack, 60)
        until(
            lambda: requests.get(f"http://127.0.0.1:{own['PORT']}/readyz", timeout=2).ok, 60, what="the second server"
        )
        user = stack.create().json()
        other = requests.get(f"http://127.0.0.1:{own['PORT']}/users/{user['id']}", timeout=5)
        assert other.json() == user
        well(stack, [user])
    finally:
        for server in servers:
            server.send_signal(signal.SIGINT)
        codes = [server.wait(60) for server in servers]
    assert codes == [0, 0]
    assert len(rows(stack, "SELECT version_num FROM alembic_version")) == 1


def as_make_run_does(environ, screen):
    with screen.open("ab") as out:
        return subprocess.Popen([sys.executable, "-m", "app.stack"], cwd=ROOT, env=environ, stdout=out, stderr=out)


@pytest.mark.long
def test_a_migration_killed_in_the_middle_leaves_nothing_and_the_next_one_does_it_all(empty_stack):
    stack = empty_stack
    stack.commands["migrate"] = "exec flask --app wsgi db upgrade"
    for _ in range(3):
        stack.start("migrate")
        until(lambda: in_the_middle(stack), what="the middle of a migration")
        stack.kill("migrate")
        assert tables(stack) <= {"alembic_version"}

    hurt.flask(stack, "db", "upgrade")

    stack.start_all()
    user = stack.create().json()
    well(stack, [user])


def in_the_middle(stack):
    """A migration has begun to change things, and has not committed."""
    kind, _, path = stack.environ["DATABASE_URL"].partition(":///")
    if kind != "sqlite":
        return rows(stack, LOCKED)
    with suppress(sqlite3.OperationalError), closing(sqlite3.connect(f"file:{path}?mode=rw", 0, uri=True)) as probe:
        try:
            probe.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
    return False


def tables(stack):
    kind = stack.environ["DATABASE_URL"].partition("+")[0].partition(":")[0]
    return {name for (name,) in rows(stack, TABLES[kind])}
