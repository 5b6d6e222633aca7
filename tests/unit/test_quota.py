"""The CRM's own limit, kept to the last call: what a call costs, and what is believed of the headers."""

import pytest

from app.crm.errors import Unavailable
from app.crm.limits import Pace, Room
from app.crm.notices import LONGEST_ASKED
from app.crm.quota import LONGEST_CALL, MARGIN
from tests.support.limited import ceiling
from tests.support.virtual_time import VirtualTime


@pytest.fixture
def pace(world):
    return Pace(world, 0)


def call(pace, limit, left, resets_in):
    pace.take_turn(0)
    pace.heard(ceiling(limit, left, resets_in))


def test_nothing_is_known_before_the_crm_has_said_it(pace):
    pace.take_turn(0)
    pace.heard({})

    assert pace.room() == Room(None, None, None)


def test_every_turn_costs_one_call(pace):
    call(pace, 600, 10, 30)
    for left in (9, 8, 7):
        pace.take_turn(0)
        pace.heard({})
        assert pace.room() == Room(600, left, 30.0)


def test_a_turn_that_was_never_heard_of_costs_one_as_well(pace):
    call(pace, 600, 10, 30)
    for _ in range(3):
        pace.take_turn(0)

    assert pace.room().left == 7


def test_a_call_under_way_costs_one_until_its_answer_tells(pace):
    call(pace, 600, 10, 30)
    pace.take_turn(0)
    assert pace.room().left == 9
    pace.heard(ceiling(600, 9, 30))

    assert pace.room().left == 9


def test_calls_under_way_are_not_counted_in_what_the_first_answer_says():
    time = VirtualTime()
    pace = Pace(time.world(), 0)

    def work():
        pace.take_turn(0)
        time.sleep(1 + time.random.random())
        pace.heard(ceiling(600, 599, 60))
        assert pace.room().left <= 599

    def look():
        pace.take_turn(0)
        time.sleep(0.5)
        pace.heard(ceiling(600, 599, 60))
        assert pace.room().left == 599 - 7

    time.run(*[work] * 7, look)


def test_a_higher_number_is_not_believed_in_the_same_window(pace, clock):
    call(pace, 600, 10, 30)
    clock.pass_(seconds=0.9)
    call(pace, 600, 400, 30)
    assert pace.room().left == 10
    call(pace, 600, 4, 29)
    assert pace.room().left == 4


def test_a_later_reset_is_a_new_window(pace, clock):
    call(pace, 600, 10, 30)
    clock.pass_(seconds=20)
    call(pace, 600, 599, 60)

    assert pace.room() == Room(600, 599, 60.0)


def test_a_reset_that_comes_earlier_than_was_said_is_believed(pace):
    call(pace, 600, 0, 80000)
    with pytest.raises(Unavailable):
        pace.take_turn(10)
    pace.heard(ceiling(600, 300, 10))  # somebody has bought more

    assert pace.room() == Room(600, 300, 10.0)


def test_what_is_spent_is_waited_for_until_the_window_is_over(pace, clock):
    call(pace, 600, 1, 30)
    pace.take_turn(0)
    with pytest.raises(Unavailable) as caught:
        pace.take_turn(10)
    assert (caught.value.status, caught.value.retry_after) == (429, pytest.approx(30 + MARGIN))
    assert pace.paused_for() == pytest.approx(30 + MARGIN)

    pace.take_turn(40)
    assert sum(clock.slept) == pytest.approx(30 + MARGIN)


@pytest.mark.parametrize(("reset", "seconds"), [("99999", LONGEST_ASKED), ("9" * 400, LONGEST_ASKED), ("0", 0)])
def test_a_window_may_be_as_long_as_a_day(pace, reset, seconds):
    pace.heard({"RateLimit-Remaining": "0", "RateLimit-Reset": reset})

    assert pace.paused_for() == pytest.approx(seconds + MARGIN)


def test_after_a_window_the_limit_is_what_is_left_and_no_more(pace, clock):
    call(pace, 5, 0, 60)
    clock.pass_(seconds=62)
    assert pace.room() == Room(5, 5, None)
    for _ in range(5):
        pace.take_turn(0)
    with pytest.raises(Unavailable):
        pace.take_turn(10)


def test_after_a_whole_window_without_news_nothing_is_known_any_more(pace, clock):
    call(pace, 2, 0, 60)
    clock.pass_(seconds=62)
    for _ in range(2):
        pace.take_turn(0)
        pace.heard({})
    assert pace.paused_for() > 0
    clock.pass_(seconds=62)
    for _ in range(10):
        pace.take_turn(0)

    assert pace.room().left is None


def test_after_a_window_whose_limit_was_not_told_calls_are_free(pace, clock):
    pace.heard({"RateLimit-Remaining": "0", "RateLimit-Reset": "5"})
    clock.pass_(seconds=6)
    for _ in range(50):
        pace.take_turn(0)

    assert clock.slept == []


def test_calls_of_which_nothing_is_heard_are_given_back_in_the_end():
    time = VirtualTime()
    pace = Pace(time.world(), 0)
    pace.heard(ceiling(600, 100, 3600))
    time.run(*[lambda: pace.take_turn(0)] * 30)
    assert pace.room().left == 70
    time.run(lambda: time.sleep(LONGEST_CALL))

    assert pace.room().left == 100


def test_those_who_wait_for_the_window_do_not_go_all_at_once():
    time, went = VirtualTime(), []
    pace = Pace(time.world(), 0)
    pace.heard(ceiling(600, 0, 5))
    time.run(*[lambda: (pace.take_turn(10), went.append(time.passed))] * 10)

    assert len(set(went)) == 10
    assert 5 <= min(went) < max(went) < 7


def test_a_limit_smaller_than_what_is_under_way_holds_the_others_back():
    time, went = VirtualTime(), []
    pace = Pace(time.world(), 0)
    pace.heard(ceiling(2, 0, 5))

    def work():
        pace.take_turn(100)
        went.append(time.passed)
        time.sleep(1)
        pace.heard(ceiling(2, 0, 60))

    time.run(*[work] * 4)
    assert [round(moment / 60) for moment in went] == [0, 0, 1, 1]
