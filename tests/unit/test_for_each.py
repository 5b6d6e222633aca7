"""Work on many items, as many at once as the lanes allow."""

import threading
from contextlib import contextmanager

import pytest

from app.crm.lanes import Lanes, for_each

LONG = 20
"""Seconds after which a test that waits for another thread gives up."""


@pytest.fixture
def lanes(world):
    """Four lanes, all of them open."""
    made = Lanes(world, most=4)
    for _ in range(100):
        made.good()
    return made


class Crowd:
    """Work whose end the test decides: as many as `meet` at once, and it counts how many there were."""

    def __init__(self, meet=1):
        self.now, self.most, self.done = 0, 0, []
        self._lock = threading.Lock()
        self._meeting = threading.Barrier(meet)

    def work(self, item):
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self._meeting.wait(LONG)
        with self._lock:
            self.now -= 1
            self.done.append(item)
        return item * 10


def test_every_item_is_worked_on_once_and_as_many_at_once_as_allowed(lanes):
    crowd = Crowd(meet=4)

    assert sorted(for_each(lanes, crowd.work, range(40))) == [item * 10 for item in range(40)]
    assert (sorted(crowd.done), crowd.most) == (list(range(40)), 4)


def test_nothing_to_do_is_done_at_once(lanes):
    assert list(for_each(lanes, Crowd().work, [])) == []


def test_items_are_taken_when_there_is_a_lane_for_them(lanes):
    taken = []
    results = for_each(lanes, lambda item: item, (taken.append(number) or number for number in range(1000)))
    for seen, _ in enumerate(results, 1):
        assert len(taken) <= seen + 4

    assert len(taken) == 1000


def test_results_come_when_they_are_there_not_in_order(lanes):
    first_may_end = threading.Event()

    def work(item):
        if item == 0:
            first_may_end.wait(LONG)
        return item

    results = for_each(lanes, work, range(8))
    early = [next(results) for _ in range(7)]
    first_may_end.set()

    assert sorted(early) == list(range(1, 8))
    assert list(results) == [0]


def test_fewer_lanes_and_more_lanes_are_heeded_while_it_runs(lanes, clock):
    crowd = Crowd()

    def work(item):
        if item in {0, 20}:
            clock.pass_(seconds=1)
            lanes.bad()
        if item == 40:
            for _ in range(100):
                lanes.good()
        return crowd.work(item)

    allowed = [lanes.allowed() for _ in for_each(lanes, work, range(60))]

    assert len(crowd.done) == 60
    assert (allowed[-1], min(allowed)) == (4, 1)


def test_one_lane_is_the_callers_own_thread(world):
    threads = set(for_each(Lanes(world, most=1), lambda _: threading.current_thread(), range(5)))

    assert threads == {threading.current_thread()}


def test_without_threads_it_is_a_plain_loop_in_order(lanes):
    order = []
    for result in for_each(lanes, lambda item: order.append(item) or item, range(5), threads=False):
        assert order[-1] == result

    assert order == list(range(5))


@pytest.mark.parametrize("threads", [False, True])
def test_the_contexts_are_entered_around_each_piece_of_work_in_its_thread(lanes, threads):
    here, entered, left = threading.local(), [], []

    @contextmanager
    def wrap():
        here.open = True
        entered.append(1)
        yield
        here.open = False
        left.append(1)

    assert all(for_each(lanes, lambda _: here.open, range(20), wrap=wrap, threads=threads))
    assert (len(entered), len(left)) == (20, 20)


def test_an_error_comes_out_when_the_others_under_way_have_ended(lanes):
    failed, taken, done = threading.Event(), [], []

    def work(item):
        if item == 0:
            failed.set()
            raise ZeroDivisionError
        failed.wait(LONG)
        done.append(item)
        return item

    results, seen = for_each(lanes, work, (taken.append(number) or number for number in range(1000))), []
    with pytest.raises(ZeroDivisionError):
        seen.extend(results)  # what came before the error is there

    assert sorted(seen) == sorted(done) == sorted(taken[1:])
    assert len(taken) < 20


@pytest.mark.parametrize("most", [1, 4])
def test_an_error_of_the_items_comes_out_too(world, most):
    def items():
        yield 1
        raise LookupError

    with pytest.raises(LookupError):
        list(for_each(Lanes(world, most=most), Crowd().work, items()))


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_not_even_an_exit_gets_lost(lanes, error):
    def work(_):
        raise error

    with pytest.raises(error):
        list(for_each(lanes, work, range(3)))


def test_who_stops_early_waits_for_those_under_way(lanes):
    started, done, may_end = threading.Barrier(4), [], threading.Event()

    def work(item):
        if item > 0:
            started.wait(LONG)
            may_end.wait(LONG)
            done.append(item)
        return item

    results = for_each(lanes, work, range(1000))
    assert next(results) == 0
    started.wait(LONG)
    threading.Timer(0.05, may_end.set).start()
    results.close()

    assert sorted(done) == [1, 2, 3]
