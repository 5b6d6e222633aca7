"""A database that is full, read-only, locked or gone for a while: 503 and later, never half a row, and no restart."""

import os
import subprocess
import threading
import time
from contextlib import ExitStack, contextmanager

import pytest
import requests

from tests.support import databases
from tests.support import faults_own_stack as hurt
from tests.support.faults_own_checks import is_not_now, rows, well, whole
from tests.support.stack import Stack, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
MEGABYTE = 1024 * 1024
SIZE = 12 * MEGABYTE
"""Of the small disk: SQLite's log grows to four megabytes before it is written over."""


@pytest.fixture
def disk(tmp_path):
    """A small disk that is the test's own."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(folder)], capture_output=True, check=False
    )  # fmt: skip
    if not mounted or mounted.returncode:
        hurt.missing("A small disk can be mounted by root only")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def on_disk(tmp_path, disk):
    """A stack whose database is on that disk, and its logs and its CRM elsewhere."""
    url = f"sqlite:///{disk / 'app.db'}"
    databases.migrate(url)
    made = Stack(tmp_path, url)
    yield made
    hurt.end(made)


def test_a_full_disk_is_a_503_and_over_when_there_is_room_again(on_disk, disk):
    on_disk.start_all()
    user = on_disk.create().json()
    on_disk.kill("worker")
    ballast = disk / "ballast"
    fill(ballast)

    answers = [on_disk.create(f"full{number}@example.com", **more) for number, more in enumerate([{}, hurt.ASYNC] * 5)]

    edited = requests.patch(f"{on_disk.api}/users/{user['id']}", json={"name": "Bob Example"}, timeout=20)
    if edited.ok:
        user = edited.json()
    else:
        is_not_now(edited)
    # SQLite writes over what its log no longer needs: a small commit now and then finds room without asking for more.
    taken = [answer.json() for answer in answers if answer.status_code in {201, 202}]
    for answer in answers:
        if answer.status_code not in {201, 202}:
            is_not_now(answer)
    assert len(taken) < len(answers), "the disk was not full"
    assert on_disk.user(user["id"]) == user
    assert requests.get(f"{on_disk.api}/users", timeout=5).json()["pagination"]["total"] == 1 + len(taken)
    whole(on_disk)
    ballast.unlink()
    again = on_disk.create("room@example.com")
    assert (again.status_code, again.json()["sync_status"]) == (201, "synced")
    on_disk.start("worker")
    well(on_disk, [user, *taken, again.json()], ready_within=5)


def fill(path):
    """Leave not a byte on the disk that `path` is on."""
    with path.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                pass


@pytest.mark.long
def test_a_disk_that_fills_up_while_it_is_written_to_leaves_no_half_row(on_disk, disk):
    on_disk.start_all()
    acknowledged, statuses, numbers = [], set(), iter(range(1, 10_000))

    def post(_thread):
        answer = on_disk.create(f"user{next(numbers)}@example.com", **hurt.ASYNC)
        statuses.add(answer.status_code)
        if answer.status_code == 201:
            acknowledged.append(answer.json())
        else:
            is_not_now(answer)

    ballast = disk / "ballast"
    ballast.write_bytes(b"x" * (SIZE - 3 * MEGABYTE))
    with hurt.in_background(post, count=2):
        until(lambda: 503 in statuses, seconds=120, what="the disk was full")
        seen = len(acknowledged)
        ballast.unlink()
        until(lambda: len(acknowledged) > seen + 5, what="it takes records again")

    well(on_disk, acknowledged, ready_within=5)


def test_a_read_only_disk_is_a_503_and_over_without_a_restart(on_disk, disk):
    on_disk.start_all()
    user = on_disk.create().json()
    on_disk.kill("worker")
    on_disk.kill("web")
    remount(disk, "ro")
    on_disk.start("web")
    until(lambda: requests.get(f"{on_disk.api}/healthz", timeout=2).ok, what="web")

    is_not_now(on_disk.create("bob@example.com"))
    is_not_now(requests.patch(f"{on_disk.api}/users/{user['id']}", json={"name": "Bob Example"}, timeout=20))
    assert on_disk.user(user["id"]) == user

    remount(disk, "rw")
    on_disk.start("worker")
    taken = until(lambda: stored(on_disk, "bob@example.com"), seconds=20, what="it takes records again")
    well(on_disk, [user, taken])


def remount(disk, how):
    command = ["mount", "-o", f"remount,{how}", str(disk)]  # busy while what was killed still closes its files
    until(lambda: subprocess.run(command, capture_output=True, check=False).returncode == 0, what=f"remounted {how}")


def stored(stack, email):
    answer = stack.create(email)
    return answer.json() if answer.status_code == 201 else None


@contextmanager
def locked(stack, how):
    """Let another process hold what writers need: the file of the lock, or the database itself."""
    if how == "the lock file":
        with hurt.flocked(stack.log.parent / "app.db.lock"):
            yield
    else:
        with hurt.no_commits(stack):
            yield


LOCKS = [("sqlite", "the lock file"), ("sqlite", "the database"), ("postgresql", "the database")]
EACH_LOCK = pytest.mark.parametrize(("database_url", "how"), LOCKS, indirect=["database_url"])


@pytest.mark.parametrize(
    ("database_url", "how"), [LOCKS[1], *(pytest.param(*lock, marks=pytest.mark.long) for lock in (LOCKS[0], LOCKS[2]))],
    indirect=["database_url"],
)  # fmt: skip
def test_three_seconds_of_a_lock_are_waited_for(stack, how):
    stack.start_all()
    user = stack.create().json()
    answers = []

    with locked(stack, how):
        writer = threading.Thread(target=lambda: answers.append(stack.create("bob@example.com")))
        writer.start()
        time.sleep(3)
        assert stack.user(user["id"]) == user
        assert answers == []
    writer.join(30)

    assert [answer.status_code for answer in answers] == [201]
    well(stack, [user, answers[0].json()], ready_within=5)


@pytest.mark.long
@EACH_LOCK
def test_a_minute_of_a_lock_is_a_503_for_those_who_write_and_nothing_for_those_who_read(stack, how):
    stack.start_all()
    user = stack.create().json()
    answers = []

    def write(number):
        began = time.monotonic()
        answers.append((began, stack.create(f"user{number}-{time.monotonic_ns()}@example.com", **hurt.ASYNC)))

    with ExitStack() as lock, hurt.in_background(write, count=4):
        lock.enter_context(locked(stack, how))
        locked_at = time.monotonic()
        slowest = slowest_read(stack, user, seconds=60)
        during = [answer for began, answer in answers if began > locked_at]
        lock.close()
        until(lambda: answers[-1][1].status_code == 201, what="a writer heard yes")
    hurt.note(f"{len(during)} writers heard 503; the slowest read took {slowest:.2f} s")

    assert len(during) >= 12
    for answer in during:
        is_not_now(answer)
    assert slowest < 5
    well(stack, [user, *(answer.json() for _, answer in answers if answer.status_code == 201)], ready_within=5)


def slowest_read(stack, user, seconds):
    slowest, began = 0.0, time.monotonic()
    while time.monotonic() < began + seconds:
        asked = time.monotonic()
        assert stack.user(user["id"]) == user
        slowest = max(slowest, time.monotonic() - asked)
        time.sleep(0.2)
    return slowest


@hurt.ON_POSTGRESQL
def test_when_postgresql_drops_every_connection_again_and_again_work_is_retried_or_refused(stack):
    stack.environ["DATABASE_URL"] += "&application_name=crm_sync_dropped"
    stack.start_all()
    acknowledged, statuses, numbers = [], [], iter(range(1, 100_000))
    dropped = 0

    def post(_thread):
        number = next(numbers)
        headers = {"Idempotency-Key": f"key-{number}"} | (hurt.ASYNC if number % 3 else {})
        while True:
            answer = stack.create(f"user{number}@example.com", **headers)
            statuses.append(answer.status_code)
            if answer.status_code == 201:
                break
            is_not_now(answer)
        acknowledged.append(answer.json())

    with hurt.in_background(post, count=4):
        for _ in range(20):
            seen = len(statuses)
            until(lambda seen=seen: len(statuses) > seen + 5, what="five more answers")
            dropped += len(rows(stack, DROP))
    assert stack.create("last@example.com").status_code == 201
    hurt.note(f"{dropped} connections dropped, {len(statuses)} answers, {statuses.count(503)} of them 503")

    hurt.leases_end(stack)
    well(stack, acknowledged, ready_within=5)
    assert dropped >= 20
    assert set(statuses) <= {201, 503}
    assert len(rows(stack, "SELECT id FROM users")) == len(acknowledged) + 1


DROP = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE application_name = 'crm_sync_dropped' AND pid <> pg_backend_pid()"""
