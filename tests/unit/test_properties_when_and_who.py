"""What holds of every policy and of every wait."""

from datetime import UTC, datetime, timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from app.core.field import POLICIES
from app.sync import policy, schedule

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
MAYBE = st.none() | MOMENTS
SPANS = st.timedeltas(timedelta(0), timedelta(days=365))
ASKED = st.none() | st.floats(0, 1e300)
ROUNDS, SEEDS = st.integers(0, 10**9), st.integers()


@given(st.sampled_from(POLICIES), MAYBE, MAYBE)
def test_every_policy_decides_for_one_side_or_leaves_it_to_a_person(name, local_at, crm_at):
    winner = policy.winner(name, local_at, crm_at)

    assert winner in {"crm", "local", None}
    assert (name, winner) not in {
        ("crm_wins", "local"),
        ("crm_wins", None),
        ("local_wins", "crm"),
        ("local_wins", None),
    }
    assert name != "manual" or winner is None


@given(MAYBE, MAYBE)
def test_the_latest_wins_by_more_than_clocks_differ_or_nobody_does(local_at, crm_at):
    winner = policy.winner("latest", local_at, crm_at)

    apart = None if local_at is None or crm_at is None else local_at - crm_at
    assert (winner is None) == (apart is None or abs(apart) < policy.TOO_CLOSE)
    assert winner is None or (winner == "local") == (apart > timedelta(0))


@given(st.text(alphabet="crm_winslocal,:. u") | st.text())
def test_any_text_is_a_policy_that_can_be_written_again_or_is_refused(text):
    try:
        read = policy.parse(text)
    except ValueError:
        return
    assert policy.parse(str(read)) == read


@given(ROUNDS, SEEDS, ASKED)
def test_a_pause_keeps_within_its_bounds_whatever_was_asked(rounds, seed, asked):
    seconds = schedule.pause(rounds, Random(seed), asked).total_seconds()

    assert schedule.FIRST / 2 <= seconds <= max(schedule.LONGEST, schedule.LONGEST_ASKED)
    assert seconds >= min(asked or 0, schedule.LONGEST_ASKED) - 1e-6


@given(ROUNDS, SEEDS)
def test_a_pause_is_never_shorter_after_one_more_round(rounds, seed):
    for pause in (schedule.pause, schedule.parked_pause):
        assert pause(rounds, Random(seed)) <= pause(rounds + 1, Random(seed))


@given(MOMENTS, SPANS, SPANS, SPANS)
def test_what_is_spent_stays_spent(since, age, longer, give_up_after):
    spent = schedule.is_spent(since, since + age, give_up_after)

    assert not spent or schedule.is_spent(since, since + age + longer, give_up_after)
    assert not spent or schedule.is_spent(since - longer, since + age, give_up_after)
    assert spent == (age >= give_up_after)
