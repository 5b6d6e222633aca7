"""The processes of the simulated service: each has an engine of its own, all share one database; one acts at a time."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask
from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from app.core.db import LOCK, LOCK_TIMEOUT, db
from app.core.errors import NotNow
from app.core.world import World
from app.crm.line import connect
from app.http.wiring import ENGINE
from app.simulator.line import Crash, Line
from app.sync.engine import Engine
from app.sync.task import Task

StartEngine = Callable[..., Engine]


class Processes:
    """Starts them, lets them act, kills them, and lets their transactions fail.

    Every call and every transaction has points at which a process can die; `left` is how many are still to pass.
    """

    def __init__(self, app: Flask, start_engine: StartEngine, world: World, line: Line) -> None:
        self.app, self._start_engine, self._world, self._line = app, start_engine, world, line
        self._engines: dict[str, Engine] = {}
        self.claimed: dict[str, list[Task]] = {}
        """What each worker has claimed and not pushed yet."""
        self.left: int | None = None
        self.is_dead = False
        """Whether the process of this step has died: what Python still runs of it, on the way out, does nothing."""
        self.storage: dict[int, str] = {}
        self.storage_failed = 0
        self._number = 0
        self._commit_fails = False
        line.boundary = self.boundary
        app.extensions[LOCK] = self._lock
        with app.app_context():
            self._database = db.engine
        event.listen(self._database, "commit", self._on_commit)

    def close(self) -> None:
        event.remove(self._database, "commit", self._on_commit)
        self._database.dispose()

    @contextmanager
    def acting(self, name: str) -> Iterator[Engine]:
        """Let one process act."""
        before, caller = self.app.extensions[ENGINE], self._line.caller
        engine = self._engines.get(name) or self._started(name)
        self.app.extensions[ENGINE], self._line.caller = engine, name
        try:
            yield engine
        finally:
            self.app.extensions[ENGINE], self._line.caller = before, caller

    def _started(self, name: str) -> Engine:
        engine = self._start_engine(self.app, self._world)
        connect(engine.crm, self._line.carry)
        self._engines[name], self.claimed[name] = engine, []
        self._line.restarted(name)
        return engine

    def kill(self, name: str) -> None:
        """End a process; the next time it is to act, it starts anew."""
        self._engines.pop(name, None)
        self._database.dispose()

    def kill_all(self) -> None:
        for name in list(self._engines):
            self.kill(name)

    def begin(self, storage: dict[int, str], crash: int | None) -> None:
        """Begin a step: which of its transactions fail, and after how many points it dies."""
        self.storage, self.left, self.storage_failed, self._number = dict(storage), crash, 0, 0
        self.is_dead = False

    def boundary(self) -> None:
        """Pass one point at which a process can die. Raises Crash."""
        if self.is_dead:
            raise Crash
        if self.left is None:
            return
        self.left -= 1
        if self.left < 0:
            self.left, self.is_dead = None, True
            raise Crash

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Stand in for the lock that every writer takes: with one thread, nobody else has it."""
        if self.is_dead:
            raise Crash
        fault, self._number = self.storage.pop(self._number, None), self._number + 1
        self.boundary()
        if fault is not None:
            self.storage_failed += 1
            self._line.injected[f"storage_{fault}"] += 1
        if fault == "busy":
            self._world.sleep(LOCK_TIMEOUT)
            raise NotNow("The database is busy.", retry_after=1)
        self._commit_fails = fault == "full"
        try:
            yield
        finally:
            self._commit_fails = False
        self.boundary()  # after the commit

    def _on_commit(self, _connection: Connection) -> None:
        if self._commit_fails:
            self._commit_fails = False
            raise OperationalError("COMMIT", {}, sqlite3.OperationalError("database or disk is full"))
