"""Threads that sleep in virtual time: one runs at a time, and time passes only when all of them sleep."""

import heapq
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random

from app.core.world import World

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class VirtualTime:
    """The clock of some threads, and who of them runs next; always the same course for the same seed."""

    def __init__(self, seed: int = 7) -> None:
        self.passed = 0.0
        self.random = Random(seed)
        self._sleeping: list[tuple[float, int, threading.Event]] = []
        self._order = 0

    def world(self) -> World:
        return World(now=self.now, monotonic=self.monotonic, sleep=self.sleep, random=self.random)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return 1000.0 + self.passed

    def sleep(self, seconds: float) -> None:
        woken = self._queue(seconds)
        self._next()
        woken.wait()

    def run(self, *tasks: Callable[[], None]) -> None:
        """Run the tasks in threads, each to its end; raise what one of them raised."""
        problems: list[BaseException] = []

        def live(begin: threading.Event, task: Callable[[], None]) -> None:
            begin.wait()
            try:
                task()
            except BaseException as problem:  # noqa: BLE001  it is raised in the test's own thread
                problems.append(problem)
            finally:
                self._next()

        threads = [threading.Thread(target=live, args=(self._queue(0), task)) for task in tasks]
        for thread in threads:
            thread.start()
        self._next()
        for thread in threads:
            thread.join()
        for problem in problems:
            raise problem

    def _queue(self, seconds: float) -> threading.Event:
        self._order += 1
        woken = threading.Event()
        heapq.heappush(self._sleeping, (self.passed + seconds, self._order, woken))
        return woken

    def _next(self) -> None:
        if self._sleeping:
            moment, _, woken = heapq.heappop(self._sleeping)
            self.passed = max(self.passed, moment)
            woken.set()
