"""How often one push asks, and how long it waits in between."""

import pytest

from app.crm.errors import CircuitOpen, Conflict, OutcomeUnknown, Rejected, Unavailable
from app.crm.retry import FIRST_WAIT, LONGEST_WAIT, full_jitter, retrying


def attempts(world, error, count=3, deadline=None):
    """Fail always; return how often it was tried."""
    tried = []

    def call():
        tried.append(1)
        raise error

    with pytest.raises(type(error)) as caught:
        retrying(world, count, deadline)(call)
    assert caught.value is error
    return len(tried)


@pytest.mark.parametrize("error", [Unavailable("x"), OutcomeUnknown("x"), Unavailable("x", status=503)])
@pytest.mark.parametrize("count", [1, 3, 5])
def test_what_may_succeed_later_is_tried_as_often_as_allowed(world, clock, error, count):
    assert attempts(world, error, count) == count
    assert len(clock.slept) == count - 1


@pytest.mark.parametrize("error", [Rejected("x"), Conflict("x"), CircuitOpen("x"), Unavailable("x", status=401)])
def test_what_will_not_succeed_in_a_second_is_tried_once(world, clock, error):
    assert attempts(world, error) == 1
    assert clock.slept == []


def test_an_error_that_is_not_the_crms_goes_through(world):
    assert attempts(world, ZeroDivisionError()) == 1


def test_the_waits_grow_with_full_jitter(world):
    world.random.seed(1)
    for attempt, cap in enumerate([0.5, 1, 2, 4, 8, 8, 8], 1):
        waits = [full_jitter(world, attempt) for _ in range(300)]
        assert 0 <= min(waits) < cap * 0.1
        assert cap * 0.9 < max(waits) <= cap
    assert (FIRST_WAIT, LONGEST_WAIT) == (0.5, 8.0)


def test_what_the_crm_asks_for_is_the_least_wait(world, clock):
    attempts(world, Unavailable("x", retry_after=7))

    assert clock.slept == [7, 7]


def test_a_wait_beyond_our_patience_ends_the_push(world, clock):
    assert attempts(world, Unavailable("x", retry_after=11)) == 1
    assert clock.slept == []


def test_no_wait_reaches_past_the_deadline(world, clock):
    assert attempts(world, Unavailable("x", retry_after=4), 5, world.monotonic() + 10) == 3
    assert clock.passed == 8


def test_a_success_ends_the_tries(world):
    answers = iter([Unavailable("x"), Unavailable("x"), "yes"])

    def call():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert retrying(world, 3, None)(call) == "yes"
