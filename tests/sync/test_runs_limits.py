"""A run under the CRM's limit: it waits for the next window, and says how long it will take."""

import random

import pytest

import mock_crm
from app.commands.progress import Line
from app.core.world import World
from app.services import runs
from app.sync import bulk
from app.sync.counts import Counts
from app.sync.part import Part
from app.sync.runs import Asked
from tests.support.crm import Crm

LIMIT = 20


@pytest.fixture
def settings():
    return {"SYNC_MODE": "worker"}


@pytest.fixture
def crm(tmp_path, clock):
    about = {"DATABASE": tmp_path / "crm.db", "RATE_LIMIT": LIMIT, "CLOCK": clock.timestamp}
    app = mock_crm.create_app({f"MOCK_CRM_{name}": value for name, value in about.items()})
    yield Crm(app)
    app.extensions["mock_crm"].stop()


@pytest.fixture
def no_batches(monkeypatch, engine):
    monkeypatch.setattr(type(engine.crm), "batches", False)


@pytest.fixture
def refused(crm):
    """The calls that the CRM was asked too many of."""
    found = []
    send = crm.line.send
    crm.line.send = lambda request, **about: _noted(send(request, **about), found)
    return found


def _noted(answer, found):
    found += [answer] if answer.status_code == 429 else []
    return answer


def push(engine):
    return runs.run(engine, Asked("push", ("users",), "test"))


def owe(client, another, count):
    for _ in range(count):
        assert client.post("/users", json=another()).status_code == 201


def test_a_run_waits_for_the_next_window_and_is_never_refused(client, engine, clock, another, no_batches, refused):
    owe(client, another, 2 * LIMIT + 5)
    before = clock.monotonic()

    run = push(engine)

    assert (run["status"], run["pushed"], run["created"]) == ("succeeded", 2 * LIMIT + 5, 2 * LIMIT + 5)
    assert refused == []
    assert 60 < clock.monotonic() - before < 240


def test_a_pause_that_is_too_long_is_left_to_the_worker(client, engine, clock, another, no_batches):
    owe(client, another, 3)
    engine.crm.pace.pause(bulk.LONGEST_PAUSE + 60)
    before = clock.monotonic()

    run = push(engine)

    assert (run["status"], run["pushed"]) == ("succeeded", 0)
    assert clock.monotonic() - before < 1


def test_a_push_knows_how_much_there_is_to_do(client, engine, another, no_batches):
    owe(client, another, 4)
    seen = []

    runs.run(engine, Asked("push", ("users",), "test"), lambda part: seen.append((part.expected, part.done_so_far)))

    assert seen[-1] == (4, 4)


def test_a_first_pull_that_somebody_watches_asks_how_much_there_is(engine, crm, clock, line):
    made, said = line
    for number in range(9):
        crm.create(name="A", email=f"a{number}@example.com")
    part = Part(engine, "run", engine.registry["users"], reads_all=True)
    for _ in range(3):
        clock.pass_(seconds=2)
        part.counts.add(Counts(seen=1))
        made.watch(part)

    assert part.expected == 9
    assert "about 12 s left of users" in said[-1]
    assert len(crm.calls("GET")) == 1


@pytest.fixture
def line(monkeypatch, engine, clock):
    """A line of progress, and what it would show."""
    made, said = Line(World(monotonic=clock.monotonic, random=random.Random(1)), shown=True), []
    monkeypatch.setattr(made, "_write", said.append)
    return made, said


@pytest.mark.parametrize(
    ("expected", "each", "shown"),
    [(70, 1.0, "about 1 min left of users"), (30, 1.0, "about 20 s left of users"),
     (100_000, 1.0, "about 27.8 h left of users"), (None, 1.0, ""), (8, 1.0, "about 1 s left of users")],
)  # fmt: skip
def test_the_time_left_is_told_where_it_is_known(engine, clock, line, expected, each, shown):
    made, said = line
    part = Part(engine, "run", engine.registry["users"], expected=expected)
    for _ in range(10):
        clock.pass_(seconds=each)
        part.counts.add(Counts(pushed=1))
        made.watch(part)

    assert shown in said[-1]
    assert ("left" in said[-1]) == (expected is not None)
    assert "left" not in said[0]  # nothing is known yet


def test_the_time_left_follows_the_speed_of_the_last_while(engine, clock, line):
    made, said = line
    part = Part(engine, "run", engine.registry["users"], expected=700)
    for count, seconds in ((500, 1), *[(1, 1)] * 60):
        clock.pass_(seconds=seconds)
        part.counts.add(Counts(pushed=count))
        made.watch(part)

    assert "about 2 min left of users" in said[-1]
