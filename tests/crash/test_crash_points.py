"""A process that is killed at each commit and each call: after the restart everything is there, once, on both sides."""

import pytest

from tests.support.crash_scenarios import EVERYTHING, MANY_COMMITS
from tests.support.databases import empty

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
NOW_AND_THEN = 5
"""Every so many points, an odd number: those before something and those after it take turns."""


def each(scenarios):
    return pytest.mark.parametrize("scenario", scenarios.values(), ids=scenarios)


@each(EVERYTHING)
def test_nothing_is_lost_or_doubled_wherever_it_is_killed_now_and_then(die_everywhere, scenario):
    die_everywhere(scenario, stride=NOW_AND_THEN)


@pytest.mark.long
@each(EVERYTHING)
def test_nothing_is_lost_or_doubled_wherever_it_is_killed(die_everywhere, scenario):
    die_everywhere(scenario)


@pytest.mark.long
@each(MANY_COMMITS)
def test_nothing_is_lost_or_doubled_on_postgresql_wherever_it_is_killed(die_everywhere, postgres_schema, scenario):
    die_everywhere(scenario, postgres_schema)
    empty(postgres_schema)
