"""Who wins, and when to try again: values in, values out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.resource import Resource
from app.resources import REGISTRY
from app.resources.users import User
from app.sync import policy, schedule

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
USERS = REGISTRY["users"]


def declaring(**wins):
    """Return users, with some fields that are declared to be won by one side."""
    resource = Resource(User)
    resource.fields |= {name: replace(resource.fields[name], wins=chosen) for name, chosen in wins.items()}
    return resource


def test_a_field_has_its_own_policy_before_its_resource_and_the_default():
    policies = policy.parse("local_wins, users:latest ,users.phone:manual")

    assert policies.of(USERS, "phone") == "manual"
    assert policies.of(USERS, "name") == "latest"
    assert policies.default == "local_wins"


@pytest.mark.parametrize(
    ("text", "declared", "rules", "chosen"),
    [
        ("", None, {}, "crm_wins"),
        ("latest", None, {}, "latest"),
        ("latest,users:manual", None, {}, "manual"),
        ("latest,contacts:manual,contacts.phone:manual,users.name:manual", None, {}, "latest"),
        ("latest,users:manual", "local_wins", {}, "local_wins"),
        ("latest,users.phone:crm_wins", "local_wins", {}, "crm_wins"),
        ("manual,users.phone:manual", "manual", {"users.phone": "local_wins"}, "local_wins"),
        ("latest", None, {"users.name": "manual", "contacts.phone": "manual"}, "latest"),
    ],
)
def test_the_most_special_policy_is_the_one(text, declared, rules, chosen):
    assert policy.parse(text).of(declaring(phone=declared), "phone", rules) == chosen


@pytest.mark.parametrize("text", ["users.phone:newest", "newest", "users.phone", "users:", ":", "crm_wins,,latest;"])
def test_what_is_no_policy_is_named(text):
    with pytest.raises(ValueError, match=r"CONFLICT_POLICY: '.*' is none of crm_wins, local_wins, latest, manual"):
        policy.parse(text)


@pytest.mark.parametrize("text", ["crm_wins", "local_wins,users:latest", "manual,users.phone:crm_wins,users:latest"])
def test_policies_are_written_as_they_are_read(text):
    assert str(policy.parse(text)) == text


def second(number):
    return NOON + timedelta(seconds=number)


@pytest.mark.parametrize(
    ("name", "local_at", "crm_at", "winner"),
    [
        ("crm_wins", NOON, NOON, "crm"),
        ("crm_wins", second(9), NOON, "crm"),
        ("crm_wins", None, None, "crm"),
        ("local_wins", NOON, NOON, "local"),
        ("local_wins", NOON, second(9), "local"),
        ("manual", NOON, NOON, None),
        ("manual", NOON, second(9), None),
        ("latest", NOON, second(3), "crm"),
        ("latest", second(3), NOON, "local"),
        ("latest", NOON, second(2), "crm"),
        ("latest", second(2), NOON, "local"),
        ("latest", NOON, second(1.999), None),
        ("latest", second(1.999), NOON, None),
        ("latest", NOON, NOON, None),
        ("latest", NOON, None, None),
        ("latest", None, NOON, None),
        ("latest", None, None, None),
    ],
)
def test_a_policy_names_the_winner(name, local_at, crm_at, winner):
    assert policy.winner(name, local_at, crm_at) == winner


@given(st.floats(-(10**6), 10**6))
def test_the_latest_of_two_is_the_same_whoever_looks(apart):
    here, there = policy.winner("latest", second(apart), NOON), policy.winner("latest", NOON, second(apart))

    assert {here, there} in ({"crm", "local"}, {None})


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
