"""How fast and whether to ask: Retry-After, the pause, the cap on calls a minute, the circuit breaker."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.world import World
from app.crm.errors import CircuitOpen, Unavailable
from app.crm.limits import FAILURES_TO_OPEN, LONGEST_ASKED, MAX_PAUSE, Breaker, Pace, parse_retry_after

STEADY = settings(deadline=None, derandomize=True, database=None, max_examples=100)
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


# ── Retry-After ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("5", 5.0),
        (" 5 ", 5.0),
        ("1.5", 1.5),
        ("007", 7.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("1e3", None),
        ("1_0", None),
        ("٣", None),
        ("²", None),
        ("5, 6", None),
        ("9" * 400, LONGEST_ASKED),
        ("86401", LONGEST_ASKED),
        ("Sun, 01 Mar 2026 12:00:07 GMT", 7.0),
        ("Sunday, 01-Mar-26 12:00:07 GMT", 7.0),
        ("Sun Mar  1 12:00:07 2026", 7.0),
        ("Sun, 01 Mar 2026 13:00:07 +0100", 7.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_ASKED),
        ("Mon, 99 Foo 2026 99:99:99 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", LONGEST_ASKED),
    ],
)
def test_retry_after_in_all_its_forms(value, seconds):
    assert parse_retry_after(value, NOW) == seconds


@STEADY
@given(
    st.text() | st.from_regex(r"\A[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,5} [0-9]{2}:[0-9]{2} [+-][0-9]{4}\Z")
)
def test_any_retry_after_is_a_span_or_absent(value):
    seconds = parse_retry_after(value, NOW)

    assert seconds is None or 0 <= seconds <= LONGEST_ASKED
    assert seconds is None or NOW + timedelta(seconds=seconds)


# ── the pace ─────────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── one pace for several processes ───────────────────────────────────────────────────────────────────────────────


def test_two_clients_with_one_file_share_the_pause_and_the_cap(world, clock, tmp_path):
    here, there = (Pace(world, 60, tmp_path / "pace") for _ in range(2))
    here.pause(5)
    assert there.paused_for() == 5

    calls = []
    for pace in (here, there, here, there):
        pace.take_turn(10)
        calls.append(clock.passed)
    assert calls == pytest.approx([5, 6, 7, 8])


def test_clients_that_share_nothing_but_the_file_keep_the_cap_together(tmp_path):
    calls = []

    def work():
        pace = Pace(World(), 3000, tmp_path / "pace")
        for _ in range(5):
            pace.take_turn(10)
            calls.append(time.monotonic())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(calls) == 20
    assert max(calls) - min(calls) > 19 * 0.02 - 0.015


@pytest.mark.parametrize("content", [b"", b"x", b"\xff" * 16, b"\xff" * 15 + b"\x7f", b"7" * 1000])
def test_a_damaged_file_counts_as_empty(world, clock, tmp_path, content):
    path = tmp_path / "pace"
    path.write_bytes(content)
    pace = Pace(world, 60, path)
    pace.take_turn(1)
    assert clock.slept == []
    pace.pause(3)
    assert Pace(world, 60, path).paused_for() == 3


def test_a_file_that_goes_missing_does_not_end_a_pause(world, tmp_path):
    path = tmp_path / "pace"
    pace = Pace(world, 0, path)
    pace.pause(30)
    path.unlink()

    assert pace.paused_for() == 30


@pytest.mark.parametrize("make", [lambda path: path / "no" / "such" / "folder", lambda path: path])
def test_a_file_that_cannot_be_used_leaves_each_process_its_own_pace(world, tmp_path, make):
    pace = Pace(world, 60, make(tmp_path))
    pace.pause(5)
    pace.take_turn(10)

    assert pace.paused_for() == 0


def test_the_file_is_for_its_owner_only(world, tmp_path):
    Pace(world, 60, tmp_path / "pace").take_turn(1)

    assert (tmp_path / "pace").stat().st_mode & 0o077 == 0


# ── the circuit ──────────────────────────────────────────────────────────────────────────────────────────────────


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
