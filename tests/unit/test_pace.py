"""How fast to ask: the pause, and the cap on calls a minute."""

import threading
import time

import pytest

from app.core.world import World
from app.crm.errors import Unavailable
from app.crm.limits import MAX_PAUSE, Pace


def test_without_a_cap_nobody_waits(world, clock):
    pace = Pace(world, 0)
    for _ in range(100):
        pace.take_turn(10)

    assert clock.slept == []


def test_the_cap_on_calls_a_minute_is_kept(world, clock):
    pace, calls = Pace(world, 30), []
    for _ in range(45):
        pace.take_turn(10)
        calls.append(clock.monotonic())

    in_a_minute = [sum(start <= call < start + 59.999 for call in calls) for start in calls]
    assert max(in_a_minute) <= 30
    assert calls[-1] - calls[0] == pytest.approx(88)


def test_a_turn_that_comes_too_late_is_not_waited_for(world, clock):
    pace = Pace(world, 6)
    pace.take_turn(1)

    with pytest.raises(Unavailable) as caught:
        pace.take_turn(1)

    assert caught.value.retry_after == pytest.approx(10)
    assert clock.slept == []


def test_a_pause_holds_every_call_until_it_is_over(world, clock):
    pace = Pace(world, 0)
    pace.pause(5)

    assert pace.paused_for() == 5
    pace.take_turn(10)
    assert clock.slept == [5]
    assert pace.paused_for() == 0


def test_a_longer_pause_is_not_cut_short_by_a_shorter_one_and_none_is_endless(world):
    pace = Pace(world, 0)
    pace.pause(30)
    pace.pause(2)
    assert pace.paused_for() == 30
    pace.pause(1e12)
    assert pace.paused_for() == MAX_PAUSE


def test_a_pause_also_holds_those_who_wait_for_their_turn_already(clock):
    pauses = [20.0]

    def sleep(seconds):
        clock.sleep(seconds)
        if pauses:
            pace.pause(pauses.pop())

    pace = Pace(World(now=clock.now, monotonic=clock.monotonic, sleep=sleep), 60)
    pace.take_turn(60)
    pace.take_turn(60)

    assert clock.passed == pytest.approx(21)


def test_a_pause_that_outlasts_their_patience_sends_them_away(clock):
    def sleep(seconds):
        clock.sleep(seconds)
        pace.pause(20)

    pace = Pace(World(now=clock.now, monotonic=clock.monotonic, sleep=sleep), 60)
    pace.take_turn(5)
    with pytest.raises(Unavailable) as caught:
        pace.take_turn(5)

    assert caught.value.retry_after == pytest.approx(20)


def test_all_threads_share_one_pause():
    pace, ended = Pace(World(), 0), []
    pace.pause(0.2)
    threads = [threading.Thread(target=lambda: (pace.take_turn(5), ended.append(time.monotonic()))) for _ in range(20)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(ended) == 20
    assert min(ended) - began > 0.15


@pytest.mark.parametrize(
    ("remaining", "reset", "seconds"),
    [
        ("0", "30", 30.0),
        ("0", "99999", MAX_PAUSE),
        ("0", "9" * 400, MAX_PAUSE),
        ("1", "30", 0.0),
        ("0", None, 0.0),
        ("0", "²", 0.0),
        ("0", "-5", 0.0),
        (None, "30", 0.0),
    ],
)
def test_a_crm_whose_limit_is_spent_is_left_alone_until_its_window_is_over(world, remaining, reset, seconds):
    pace = Pace(world, 0)
    pace.heard({k: v for k, v in {"RateLimit-Remaining": remaining, "RateLimit-Reset": reset}.items() if v is not None})

    assert pace.paused_for() == seconds


def test_a_reset_given_as_unix_time_is_a_moment(world, clock):
    pace = Pace(world, 0)
    reset = clock.start.timestamp() + 45
    pace.heard({"RateLimit-Remaining": "0", "RateLimit-Reset": f"{reset:.0f}"})

    assert pace.paused_for() == pytest.approx(45)
