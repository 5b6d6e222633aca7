"""Who wins, and when to try again: values in, values out."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.resources import REGISTRY
from app.sync import policy, schedule

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
USERS = REGISTRY["users"]


def test_a_field_has_its_own_policy_before_its_resource_and_the_default():
    policies = policy.parse("local_wins, users:latest ,users.phone:manual")

    assert policies.of(USERS, "phone") == "manual"
    assert policies.of(USERS, "name") == "latest"
    assert policies.default == "local_wins"


def test_an_unknown_policy_is_named():
    with pytest.raises(ValueError, match="newest"):
        policy.parse("users.phone:newest")


@pytest.mark.parametrize(
    ("name", "local_at", "crm_at", "winner"),
    [
        ("crm_wins", NOON, NOON, "crm"),
        ("local_wins", NOON, NOON, "local"),
        ("manual", NOON, NOON, None),
        ("latest", NOON, NOON + timedelta(seconds=3), "crm"),
        ("latest", NOON + timedelta(seconds=3), NOON, "local"),
        ("latest", NOON, NOON + timedelta(seconds=1), None),
        ("latest", NOON, None, None),
    ],
)
def test_a_policy_names_the_winner(name, local_at, crm_at, winner):
    assert policy.winner(name, local_at, crm_at) == winner


@given(st.integers(0, 10**6), st.integers())
def test_the_pause_grows_to_a_quarter_of_an_hour_and_no_further(rounds, seed):
    seconds = schedule.pause(rounds, Random(seed)).total_seconds()

    assert schedule.FIRST / 2 <= seconds <= schedule.LONGEST


def test_what_the_crm_asked_for_is_a_lower_bound():
    assert schedule.pause(0, Random(1), retry_after=3600) == timedelta(hours=1)


def test_a_day_of_retries_is_enough():
    day = timedelta(hours=24)

    assert not schedule.is_spent(NOON, NOON + timedelta(hours=23), day)
    assert schedule.is_spent(NOON, NOON + day, day)
