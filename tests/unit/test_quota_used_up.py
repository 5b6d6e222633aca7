"""As many calls as a CRM allows, in virtual time: the whole of its quota, and not one 429."""

import pytest

from app.crm.limits import Pace
from tests.support.limited import LIMIT, LimitedCrm, ceiling, exact, floor, lane, one_header, unix
from tests.support.virtual_time import VirtualTime


def quick(time):
    return lambda: time.random.uniform(0.01, 0.05)


def now_and_then_slow(time):
    return lambda: 8.0 if time.random.random() < 0.02 else time.random.uniform(0.01, 0.05)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("aligned", [False, True])
@pytest.mark.parametrize("says", [ceiling, floor, exact, one_header])
def test_eight_threads_use_all_of_three_windows(says, aligned, seed):
    time = VirtualTime(seed)
    crm, pace = LimitedCrm(time, says, aligned=aligned), Pace(time.world(), 0)
    time.run(*[lane(time, pace, crm, quick(time))] * 8)

    assert (crm.refused, crm.used[:3]) == (0, [LIMIT] * 3)
    assert sum(crm.used[:3]) / time.passed >= 0.97 * 10


@pytest.mark.parametrize("skew", [0, 300, -300])
def test_a_crm_whose_clock_is_wrong_is_understood(skew):
    time = VirtualTime()
    crm, pace = LimitedCrm(time, unix(time, skew)), Pace(time.world(), 0)
    time.run(*[lane(time, pace, crm, quick(time))] * 8)

    assert (crm.refused, crm.used[:3]) == (0, [LIMIT] * 3)
    assert time.passed < 3 * (60 + 3)


@pytest.mark.parametrize("lanes", [1, 32])
def test_processes_with_one_file_use_all_of_it_together(tmp_path, lanes):
    time = VirtualTime()
    crm = LimitedCrm(time)
    paces = [Pace(time.world(), 0, tmp_path / "pace") for _ in range(4)]
    time.run(*[lane(time, paces[number % 4], crm, quick(time)) for number in range(lanes)])

    assert (crm.refused, crm.used[:3]) == (0, [LIMIT] * 3)


@pytest.mark.parametrize("says", [ceiling, floor])
@pytest.mark.parametrize("aligned", [False, True])
def test_answers_that_take_long_mislead_nobody(says, aligned):
    time = VirtualTime()
    crm, pace = LimitedCrm(time, says, aligned=aligned), Pace(time.world(), 0)
    time.run(*[lane(time, pace, crm, now_and_then_slow(time))] * 8)

    assert crm.refused == 0
    assert sum(crm.used[:3]) >= 0.97 * 3 * LIMIT


@pytest.mark.parametrize(("limit", "window"), [(190, 10.0), (20, 2.0), (1000, 300.0)])
@pytest.mark.parametrize("aligned", [False, True])
def test_windows_of_other_lengths(limit, window, aligned):
    time = VirtualTime()
    crm, pace = LimitedCrm(time, limit=limit, window=window, aligned=aligned), Pace(time.world(), 0)
    time.run(*[lane(time, pace, crm, quick(time))] * 8)

    assert crm.refused == 0
    assert sum(crm.used[:3]) >= 0.97 * 3 * limit


def test_calls_whose_answer_is_lost_are_taken_for_counted():
    time = VirtualTime()
    crm, pace = LimitedCrm(time), Pace(time.world(), 0)
    time.run(*[lane(time, pace, crm, quick(time), lost=0.3)] * 8)

    assert (crm.refused, crm.used[:3]) == (0, [LIMIT] * 3)


def test_others_who_use_the_same_quota_are_noticed():
    time = VirtualTime()
    crm, pace = LimitedCrm(time), Pace(time.world(), 0)

    def another():
        while len(crm.used) <= 3:
            time.sleep(time.random.uniform(0, 2))
            crm.call(ours=False)

    time.run(another, *[lane(time, pace, crm, quick(time))] * 8)

    assert (crm.refused, crm.used[:3]) == (0, [LIMIT] * 3)
