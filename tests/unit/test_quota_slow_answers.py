"""Answers that are late: they speak of another moment, or of another window, than the one they arrive in."""

import pytest

from app.crm.limits import Pace, Room
from tests.support.limited import ceiling
from tests.support.virtual_time import VirtualTime


@pytest.fixture
def time():
    return VirtualTime()


@pytest.fixture
def call(time):
    """A call at a second, whose answer arrives at another and leaves us with so many calls."""
    pace = Pace(time.world(), 0)

    def make(at, until, remaining, resets_in, *, room):
        def work():
            time.sleep(at)
            pace.take_turn(0)
            time.sleep(until - at)
            pace.heard(ceiling(600, remaining, resets_in))
            assert pace.room() == Room(600, *room)

        return work

    return make


def test_a_late_answer_of_the_window_before_says_nothing_of_this_one(time, call):
    slow = call(0, 8, 0, 2, room=(590, 57.0))
    fast = call(1, 1, 1, 2, room=(0, 2.0))  # the slow one is under way
    first_of_the_next = call(5, 5, 590, 60, room=(589, 60.0))
    time.run(slow, fast, first_of_the_next)


def test_a_late_answer_of_the_window_before_says_nothing_of_one_that_is_presumed(time, call):
    fast = call(0, 0, 1, 20, room=(1, 20.0))
    slow = call(18, 26, 0, 2, room=(599, None))
    next_window = call(24, 27, 599, 20, room=(599, 20.0))
    time.run(fast, slow, next_window)


def test_a_late_answer_of_this_window_does_not_make_a_new_one(time, call):
    slow = call(0, 8, 500, 60, room=(100, 52.0))  # written at once, heard eight seconds later
    fast = call(2, 2, 100, 58, room=(99, 58.0))
    time.run(slow, fast)


def test_a_first_answer_that_is_late_does_not_make_the_window_longer(time, call):
    slow = call(0, 8, 599, 60, room=(598, 60.0))
    fast = call(7, 9, 598, 51, room=(598, 51.0))
    time.run(slow, fast)
