"""Writers to SQLite go in groups: those who come while one group is being committed are the next, and share its COMMIT.

Whoever finds nobody at work leads, on the thread it came with; so there is no thread to start, to fork or to lose. A
group is one transaction. Each piece of work stands on a savepoint of its own, so that one that fails takes only
itself back; a COMMIT that fails is heard by all whose work it held.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextvars import copy_context
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from app.core.errors import NotNow

T = TypeVar("T")
MOST = 64
"""Pieces of work that share one transaction."""


class _Job(Generic[T]):
    """A piece of work, and what came of it. It runs on the leader's thread, with its own request and log context."""

    def __init__(self, work: Callable[[Connection], T]) -> None:
        self._work = work
        self._context = copy_context()
        self._turn = threading.Lock()
        self._turn.acquire()
        self._result: T
        self.error: BaseException | None = None
        self.leads = False

    def run(self, tx: Connection) -> None:
        self._result = self._context.run(self._work, tx)

    def wait(self, timeout: float = -1) -> bool:
        """Wait to be written, or to lead; False when the time is over."""
        return self._turn.acquire(timeout=timeout)

    def wake(self) -> None:
        self._turn.release()

    def outcome(self) -> T:
        if self.error is not None:
            raise self.error
        return self._result


class Groups:
    """The writers of one process; `transact` runs something in a transaction, under the lock of all processes."""

    def __init__(self, transact: Callable[[Callable[[Connection], None]], None]) -> None:
        self._transact = transact
        self._mutex = threading.Lock()
        self._waiting: deque[_Job[Any]] = deque()
        self._is_led = False

    def run(self, work: Callable[[Connection], T], patience: float) -> T:
        """Run `work` in a transaction, commit it and return what it returned.

        Raises NotNow when it is not its turn within `patience` seconds, whatever `work` raises, and what COMMIT does.
        """
        mine = _Job(work)
        with self._mutex:
            self._waiting.append(mine)
            mine.leads, self._is_led = not self._is_led, True
        if not mine.leads:
            self._wait(mine, patience)
        if mine.leads:
            self._lead(mine)
        return mine.outcome()

    def _wait(self, mine: _Job[T], patience: float) -> None:
        if mine.wait(patience):
            return
        with self._mutex:
            if mine in self._waiting and not mine.leads:
                self._waiting.remove(mine)
                raise _busy()
        mine.wait()  # it is being written

    def _lead(self, mine: _Job[T]) -> None:
        group: list[_Job[Any]] = []

        def write(tx: Connection) -> None:
            group.extend(self._take())  # now, not before: who came while another process had the lock goes along
            _write(group, tx)

        try:
            self._transact(write)
        except BaseException as error:  # noqa: BLE001  (whoever waits has to hear of it, whatever it is)
            group = group or self._take()
            for job in group:
                job.error = job.error or (error if job is mine or isinstance(error, Exception) else _busy())
        self._hand_on()
        for job in group:
            if job is not mine:
                job.wake()

    def _take(self) -> list[_Job[Any]]:
        with self._mutex:
            return [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]

    def _hand_on(self) -> None:
        with self._mutex:
            self._is_led = bool(self._waiting)
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].wake()


def _write(group: Sequence[_Job[Any]], tx: Connection) -> None:
    if len(group) == 1:
        group[0].run(tx)
        return
    for job in group:
        _run_apart(job, tx)


def _run_apart(job: _Job[Any], tx: Connection) -> None:
    tx.exec_driver_sql("SAVEPOINT work")
    try:
        job.run(tx)
    except Exception as error:  # noqa: BLE001  (it is raised again on the thread of whoever asked for it)
        job.error = error
        tx.exec_driver_sql("ROLLBACK TO work")
    tx.exec_driver_sql("RELEASE work")


def _busy() -> NotNow:
    return NotNow("The database is busy.", retry_after=1)
