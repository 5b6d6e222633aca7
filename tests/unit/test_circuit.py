"""Whether to ask: the circuit breaker."""

import threading

import pytest

from app.crm.breaker import FAILURES_TO_OPEN, Breaker
from app.crm.errors import CircuitOpen


def opened(world):
    breaker = Breaker(world)
    for _ in range(FAILURES_TO_OPEN):
        breaker.check()
        breaker.failed()
    return breaker


def test_the_circuit_opens_after_five_failures_in_a_row(world):
    breaker = Breaker(world)
    for _ in range(FAILURES_TO_OPEN - 1):
        breaker.failed()
    breaker.succeeded()
    for _ in range(FAILURES_TO_OPEN - 1):
        breaker.failed()
        assert breaker.state == "closed"
    breaker.failed()

    assert breaker.state == "open"
    with pytest.raises(CircuitOpen) as caught:
        breaker.check()
    assert caught.value.retry_after == pytest.approx(breaker.opens_in()) == 5


def test_after_its_rest_exactly_one_caller_may_try(world, clock):
    breaker = opened(world)
    clock.pass_(seconds=5)
    assert breaker.state == "half_open"

    passed, barrier = [], threading.Barrier(20)

    def call():
        barrier.wait()
        try:
            breaker.check()
        except CircuitOpen:
            return
        passed.append(1)

    threads = [threading.Thread(target=call) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert passed == [1]


def test_a_slow_trial_stays_the_only_one(world, clock):
    breaker = Breaker(world, trial=10)
    for _ in range(FAILURES_TO_OPEN):
        breaker.failed()
    clock.pass_(seconds=5)
    breaker.check()
    clock.pass_(seconds=9)
    with pytest.raises(CircuitOpen):
        breaker.check()


def test_a_trial_that_is_never_heard_of_is_followed_by_another(world, clock):
    breaker = opened(world)
    clock.pass_(seconds=5)
    breaker.check()
    clock.pass_(seconds=5)
    breaker.check()


def test_a_failed_trial_doubles_the_rest_up_to_a_limit(world, clock):
    breaker, rests = opened(world), []
    for _ in range(4):
        rests.append(breaker.opens_in())
        clock.pass_(seconds=rests[-1])
        breaker.check()
        breaker.failed()

    assert rests == pytest.approx([5, 10, 15, 15])


def test_calls_that_began_before_the_circuit_opened_do_not_make_its_rest_longer(world):
    breaker = opened(world)
    for _ in range(50):
        breaker.failed()

    assert breaker.opens_in() == 5


def test_one_answer_closes_the_circuit_and_says_so_once(world, clock):
    breaker = opened(world)
    clock.pass_(seconds=5)
    breaker.check()

    assert (breaker.succeeded(), breaker.succeeded(), breaker.state) == (True, False, "closed")
    breaker.check()
