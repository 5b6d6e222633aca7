"""How fast to ask: the pause, and the cap on calls a minute."""

import pytest

from app.core.world import World
from app.crm.errors import NotAsked
from app.crm.limits import MAX_PAUSE, SPREAD, Pace
from tests.support.limited import LimitedCrm, ceiling, lane, silence
from tests.support.virtual_time import VirtualTime


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
    assert calls[-1] - calls[0] == pytest.approx(88, rel=0.03)


@pytest.mark.parametrize("says", [silence, ceiling])
@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_cap_that_is_the_crms_own_limit_is_used_without_a_429(says, aligned, seed):
    time = VirtualTime(seed)
    crm, pace = LimitedCrm(time, says, aligned=aligned), Pace(time.world(), 600)
    time.run(*[lane(time, pace, crm, lambda: time.random.uniform(0.01, 0.3)) for _ in range(8)])

    assert crm.refused == 0
    assert sum(crm.used[:3]) / time.passed >= 0.97 * 10


def test_a_turn_that_comes_too_late_is_not_waited_for(world, clock):
    pace = Pace(world, 6)
    pace.take_turn(1)

    with pytest.raises(NotAsked) as caught:
        pace.take_turn(1)

    assert caught.value.retry_after == pytest.approx(10, rel=0.02)
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

    assert clock.passed == pytest.approx(21, abs=0.1)


def test_a_pause_that_outlasts_their_patience_sends_them_away(clock):
    def sleep(seconds):
        clock.sleep(seconds)
        pace.pause(20)

    pace = Pace(World(now=clock.now, monotonic=clock.monotonic, sleep=sleep), 60)
    pace.take_turn(5)
    with pytest.raises(NotAsked) as caught:
        pace.take_turn(5)

    assert caught.value.retry_after == pytest.approx(20)


def test_all_threads_share_one_pause_and_do_not_end_it_all_at_once():
    time, ended = VirtualTime(), []
    pace = Pace(time.world(), 0)
    pace.pause(2)
    time.run(*[lambda: (pace.take_turn(5), ended.append(time.passed))] * 20)

    assert ended == pytest.approx([2 + place * SPREAD for place in range(20)])


def test_who_comes_when_the_pause_is_over_need_not_queue():
    time = VirtualTime()
    pace = Pace(time.world(), 0)
    pace.pause(2)

    def late():
        time.sleep(2.01)
        pace.take_turn(0)
        assert time.passed == pytest.approx(2.01)

    time.run(*[lambda: pace.take_turn(5)] * 20, late)
