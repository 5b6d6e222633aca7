"""Writers that share a transaction: one COMMIT for all, each with its own outcome."""

import contextvars
import sqlite3
import threading
import time

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from app.core.errors import NotNow
from app.core.groups import Groups

PATIENCE = 5.0
name = contextvars.ContextVar("name", default="nobody")


class Database:
    """A table of texts, and how often something was committed to it."""

    def __init__(self, path):
        self.engine = create_engine(f"sqlite:///{path}", connect_args={"isolation_level": None})
        self.commits = 0
        self.fails_with = None
        with self.engine.connect() as tx:
            tx.exec_driver_sql("CREATE TABLE said (what TEXT UNIQUE)")
        self.groups = Groups(self.transact)

    def transact(self, work):
        with self.engine.connect() as tx:
            tx.exec_driver_sql("BEGIN IMMEDIATE")
            work(tx)
            if self.fails_with is not None:
                tx.rollback()
                raise self.fails_with
            tx.commit()
            self.commits += 1

    def said(self):
        with self.engine.connect() as tx:
            return sorted(tx.execute(text("SELECT what FROM said")).scalars())


@pytest.fixture
def database(tmp_path):
    made = Database(tmp_path / "groups.db")
    yield made
    made.engine.dispose()


def say(what):
    def work(tx):
        tx.execute(text("INSERT INTO said VALUES (:what)"), {"what": what})
        return what.upper()

    return work


class Writers:
    """Threads that come while the first of them is at work, so that the rest are one group."""

    def __init__(self, groups):
        self._groups, self._go_on, self._is_in = groups, threading.Event(), threading.Event()
        self.outcomes = {}
        self._threads = []

    def first(self, work=lambda _: None):
        def slow(tx):
            self._is_in.set()
            assert self._go_on.wait(PATIENCE)
            return work(tx)

        self._start("first", slow)
        assert self._is_in.wait(PATIENCE)

    def then(self, **works):
        for who, work in works.items():
            before = len(self._groups._waiting)
            self._start(who, work)
            while len(self._groups._waiting) == before:
                time.sleep(0.001)

    def end(self):
        self._go_on.set()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        return self.outcomes

    def _start(self, who, work):
        def run():
            name.set(who)
            try:
                self.outcomes[who] = self._groups.run(work, PATIENCE)
            except BaseException as error:  # noqa: BLE001
                self.outcomes[who] = error

        self._threads.append(threading.Thread(target=run))
        self._threads[-1].start()


@pytest.fixture
def writers(database):
    return Writers(database.groups)


def test_whoever_comes_alone_is_a_transaction_of_its_own(database):
    assert [database.groups.run(say(one), PATIENCE) for one in "ab"] == ["A", "B"]
    assert (database.said(), database.commits) == (["a", "b"], 2)


def test_those_who_come_while_another_writes_share_the_next_commit(database, writers):
    writers.first(say("first"))
    writers.then(**{one: say(one) for one in "abcdef"})

    outcomes = writers.end()

    assert outcomes == {"first": "FIRST", **{one: one.upper() for one in "abcdef"}}
    assert (database.said(), database.commits) == ([*"abcdef", "first"], 2)


def test_one_that_fails_takes_only_itself_back(database, writers):
    def half(tx):
        say("half")(tx)
        raise LookupError("no")

    writers.first()
    writers.then(a=say("a"), b=half, c=say("a"), d=say("d"))

    outcomes = writers.end()

    assert (outcomes["a"], outcomes["d"]) == ("A", "D")
    assert isinstance(outcomes["b"], LookupError)
    assert isinstance(outcomes["c"].orig, sqlite3.IntegrityError)
    assert database.said() == ["a", "d"]


def test_a_commit_that_fails_is_heard_by_all(database, writers):
    writers.first()
    database.fails_with = OperationalError("COMMIT", {}, sqlite3.OperationalError("disk is full"))
    writers.then(a=say("a"), b=say("b"))

    outcomes = writers.end()

    assert all(isinstance(outcomes[one], OperationalError) for one in "ab")
    assert database.said() == []
    database.fails_with = None
    assert database.groups.run(say("later"), PATIENCE) == "LATER"


def test_a_transaction_that_the_database_gave_up_is_heard_by_all(database, writers):
    def give_up(tx):
        tx.exec_driver_sql("ROLLBACK")  # as SQLite does by itself when the disk is full
        raise OSError("full")

    writers.first()
    writers.then(a=say("a"), b=give_up, c=say("c"))

    outcomes = writers.end()

    assert isinstance(outcomes["b"], OSError)
    assert all(isinstance(outcomes[one], OperationalError) for one in "ac")
    assert database.said() == []


def test_everybody_is_written_in_their_own_context(writers):
    writers.first(lambda _: name.get())
    writers.then(a=lambda _: name.get(), b=lambda _: name.get())

    assert writers.end() == {"first": "first", "a": "a", "b": "b"}


def test_who_waits_too_long_is_sent_away_and_never_written(database, writers):
    writers.first(say("first"))

    with pytest.raises(NotNow):
        database.groups.run(say("late"), 0.05)

    writers.end()
    assert database.said() == ["first"]


def test_a_leader_that_is_interrupted_leaves_nobody_waiting(database, writers):
    def interrupted(_):
        raise KeyboardInterrupt

    writers.first()
    writers.then(a=interrupted, b=say("b"))

    outcomes = writers.end()

    assert isinstance(outcomes["a"], KeyboardInterrupt)
    assert isinstance(outcomes["b"], NotNow)
    assert database.groups.run(say("later"), PATIENCE) == "LATER"


def test_a_crowd_is_written_whole(database):
    def some(number):
        for each in range(20):
            assert database.groups.run(say(f"{number}.{each}"), PATIENCE)

    threads = [threading.Thread(target=some, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(database.said()) == 16 * 20
    assert database.commits <= 16 * 20
