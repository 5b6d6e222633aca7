"""How many calls to have under way at once, learned from how they end, and a loop over many items that keeps to it."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from typing import Any, TypeVar

from app.core.world import World

Item = TypeVar("Item")
Result = TypeVar("Result")
FIRST = 2
MOST = 8
REST = 1.0
"""Seconds between two halvings: calls that were under way together fail together, for one reason."""
CROWDED = frozenset({"429", "503", "no_answer"})
_SERVER_ERROR = 500


class Lanes:
    """One more after a full round of good answers, half as many after a bad one; safe to share by threads.

    That is how TCP shares a line (additive increase, multiplicative decrease: Chiu and Jain, 1989).
    """

    def __init__(self, world: World, most: int = MOST) -> None:
        self._world = world
        self.most = max(1, most)
        self._allowed = min(FIRST, self.most)
        self._good = 0
        self._halved_at: float | None = None
        self._lock = threading.Lock()

    def allowed(self) -> int:
        """Return how many calls may be under way now: from 1 to `most`."""
        return self._allowed

    def good(self) -> None:
        with self._lock:
            self._good += 1
            if self._good >= self._allowed:
                self._allowed, self._good = min(self._allowed + 1, self.most), 0

    def bad(self) -> None:
        """Note a call that the CRM was too busy for."""
        with self._lock:
            self._good = 0
            now = self._world.monotonic()
            if self._halved_at is None or now - self._halved_at >= REST:
                self._allowed, self._halved_at = max(1, self._allowed // 2), now

    def note(self, outcome: str) -> None:
        """Sort the outcome of a call, as the client's `on_call` tells it: a status, or `no_answer`.

        A 500 is the one record's trouble, and a missing token nobody's: they say nothing about how much at once.
        """
        if outcome in CROWDED:
            self.bad()
        elif outcome.isdecimal() and int(outcome) < _SERVER_ERROR:
            self.good()


def for_each(
    lanes: Lanes,
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    wrap: Callable[[], AbstractContextManager[Any]] = nullcontext,
    threads: bool = True,
) -> Iterator[Result]:
    """Do `work` on every item, as many at once as the lanes allow; yield the results as they come.

    `items` are taken one by one, in the caller's thread, when there is a lane for them; none are taken while the caller
    is busy with a result. `wrap` is entered around each piece of work, in its thread: its contexts come from there.
    One lane needs no thread but the caller's; without `threads` there is never another, and results are in order.

    Raises what `work` raised first, when the others under way have ended and their results were yielded. A caller that
    stops early (closes the iterator) waits for those under way.
    """

    def call(item: Item) -> Result:
        with wrap():
            return work(item)

    waiting = iter(items)
    if not threads:
        yield from map(call, waiting)
        return
    with ThreadPoolExecutor(lanes.most, thread_name_prefix="lane") as pool:  # its end waits for those under way
        yield from _in_lanes(lanes, pool, call, waiting)


def _in_lanes(
    lanes: Lanes, pool: ThreadPoolExecutor, call: Callable[[Item], Result], waiting: Iterator[Item]
) -> Iterator[Result]:
    under_way: set[Future[Result]] = set()
    problem: BaseException | None = None
    while True:
        allowed = lanes.allowed()
        if problem is None and allowed == 1 and not under_way:
            done = [_here(call, item) for item in islice(waiting, 1)]
        else:
            free = allowed - len(under_way) if problem is None else 0
            under_way |= {pool.submit(call, item) for item in islice(waiting, max(0, free))}
            finished, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            done = list(finished)
        if not done:
            break
        for future in done:
            problem = problem or future.exception()
            if future.exception() is None:
                yield future.result()
    if problem is not None:
        raise problem


def _here(call: Callable[[Item], Result], item: Item) -> Future[Result]:
    future: Future[Result] = Future()
    future.set_result(call(item))
    return future
