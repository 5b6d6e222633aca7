"""Occurrences: recurring events in a window, by RFC 5545."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrule
from hypothesis import given
from hypothesis import strategies as st

from app.core.occurrences import FREQUENCIES, Rule, Window, local_time, occurrences

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
ZONES = [BERLIN, NEW_YORK, ZoneInfo("UTC"), ZoneInfo("Asia/Kathmandu"), ZoneInfo("Australia/Lord_Howe")]
naive = datetime.fromisoformat
DAY, YEAR = timedelta(days=1), timedelta(days=366)


def at(text, zone=BERLIN):
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def window(since, until):
    return Window(at(since, UTC), at(until, UTC))


def local(found, zone=BERLIN):
    return [f"{one.starts.astimezone(zone):%Y-%m-%d %H:%M}" for one in found]


def starts(rule, since="2026-01-01", until="2027-01-01"):
    return local(occurrences(rule, window(since, until)), rule.zone)


def test_a_weekly_meeting_stays_at_nine_when_the_clocks_change():
    rule = Rule(at("2026-03-16T09:00"), BERLIN, repeats="weekly", count=4)

    found = list(occurrences(rule, window("2026-01-01", "2026-12-31")))

    assert [one.starts.hour for one in found] == [8, 8, 7, 7]
    assert local(found) == ["2026-03-16 09:00", "2026-03-23 09:00", "2026-03-30 09:00", "2026-04-06 09:00"]


def test_a_time_that_the_spring_skips_is_read_with_the_offset_before():
    rule = Rule(at("2026-03-28T02:30"), BERLIN, repeats="daily", count=3)

    assert starts(rule) == ["2026-03-28 02:30", "2026-03-29 03:30", "2026-03-30 02:30"]


def test_of_a_time_that_comes_twice_in_autumn_the_first_is_meant():
    rule = Rule(at("2026-10-24T02:30"), BERLIN, repeats="daily", count=3)

    found = [one.starts for one in occurrences(rule, window("2026-10-01", "2026-11-01"))]

    assert found == [at("2026-10-24T00:30", UTC), at("2026-10-25T00:30", UTC), at("2026-10-26T01:30", UTC)]


def test_what_starts_at_the_second_of_the_two_does():
    rule = Rule(at("2026-10-25T01:30", UTC), BERLIN, repeats="daily", count=2)

    found = [one.starts for one in occurrences(rule, window("2026-10-01", "2026-11-01"))]

    assert found == [at("2026-10-25T01:30", UTC), at("2026-10-26T01:30", UTC)]


def test_a_month_without_a_31st_is_left_out():
    rule = Rule(at("2026-01-31T12:00"), BERLIN, repeats="monthly", count=4)

    assert starts(rule) == ["2026-01-31 12:00", "2026-03-31 12:00", "2026-05-31 12:00", "2026-07-31 12:00"]
    assert starts(rule, since="2026-05-01") == ["2026-05-31 12:00", "2026-07-31 12:00"]


def test_a_29_february_comes_in_leap_years():
    rule = Rule(at("2024-02-29T12:00"), BERLIN, repeats="yearly")

    assert starts(rule, "2025-01-01", "2027-01-01") == []
    assert starts(rule, "2028-01-01", "2029-01-01") == ["2028-02-29 12:00"]


def test_the_last_day_is_a_local_one_and_counts():
    rule = Rule(at("2026-03-02T23:30", NEW_YORK), NEW_YORK, repeats="daily", until=date(2026, 3, 3))

    assert starts(rule) == ["2026-03-02 23:30", "2026-03-03 23:30"]


def test_an_exception_is_left_out_and_still_counts():
    rule = Rule(at("2026-03-02T09:00"), BERLIN, repeats="daily", count=3, exceptions=frozenset({date(2026, 3, 3)}))

    assert starts(rule) == ["2026-03-02 09:00", "2026-03-04 09:00"]


def test_what_takes_whole_days_stays_on_them():
    rule = Rule(at("2026-03-28T00:00"), BERLIN, at("2026-03-28T00:00"), whole_days=True, repeats="daily", count=3)

    found = list(occurrences(rule, window("2026-03-01", "2026-04-01")))

    assert local(found) == ["2026-03-28 00:00", "2026-03-29 00:00", "2026-03-30 00:00"]
    assert [one.ends - one.starts for one in found] == [DAY, DAY - timedelta(hours=1), DAY]


@pytest.mark.parametrize(
    ("ends", "days"),
    [(None, 1), ("2026-03-02T23:59:59", 1), ("2026-03-03T00:00", 1), ("2026-03-03T00:01", 2), ("2026-03-04T00:00", 2)],
)
def test_of_whole_days_one_that_is_only_touched_by_the_end_is_none(ends, days):
    rule = Rule(at("2026-03-02T09:00"), BERLIN, None if ends is None else at(ends), whole_days=True)

    (found,) = occurrences(rule, window("2026-03-01", "2026-04-01"))

    assert (found.starts, found.ends) == (at("2026-03-02T00:00"), at("2026-03-02T00:00") + days * DAY)


@pytest.mark.parametrize(
    ("since", "until", "is_in"),
    [
        ("2026-03-02T09:30", "2026-03-03", True),
        ("2026-03-02T10:00", "2026-03-03", False),
        ("2026-03-01", "2026-03-02T09:00", False),
        ("2026-03-01", "2026-03-02T09:01", True),
    ],
)
def test_what_is_under_way_in_the_window_is_in_it(since, until, is_in):
    rule = Rule(at("2026-03-02T09:00", UTC), ZoneInfo("UTC"), at("2026-03-02T10:00", UTC))

    assert bool(list(occurrences(rule, window(since, until)))) is is_in


def test_a_moment_belongs_to_the_window_that_begins_with_it():
    rule = Rule(at("2026-03-02T09:00", UTC), ZoneInfo("UTC"))

    assert starts(rule, "2026-03-02T09:00", "2026-03-03")
    assert not starts(rule, "2026-03-01", "2026-03-02T09:00")


def test_what_began_long_ago_is_found_at_once():
    rule = Rule(datetime(1, 1, 1, tzinfo=UTC), NEW_YORK, repeats="daily")

    assert len(starts(rule, "9998-01-01", "9998-02-01")) == 31


@pytest.mark.parametrize("repeats", FREQUENCIES)
@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_the_ends_of_time_break_nothing(zone, repeats):
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    for whole_days in (False, True):
        for begin in (first, last):
            rule = Rule(begin, zone, last, whole_days=whole_days, repeats=repeats, count=3)
            for seen in (Window(first, first + DAY), Window(last - DAY, last), Window(last - DAY, last + timedelta())):
                assert len(list(occurrences(rule, seen))) <= 3


@st.composite
def rules(draw, **fixed):
    zone = draw(st.sampled_from(ZONES))
    begin = draw(st.datetimes(naive("2024-01-01"), naive("2027-01-01"), timezones=st.just(UTC)))
    about = {
        "ends": draw(st.none() | st.timedeltas(timedelta(), timedelta(days=9)).map(lambda span: begin + span)),
        "repeats": draw(st.sampled_from(["none", *FREQUENCIES])),
        "whole_days": draw(st.booleans()),
        "until": draw(st.none() | st.dates(date(2024, 1, 1), date(2028, 1, 1))),
        "count": draw(st.none() | st.integers(1, 40)),
        "exceptions": frozenset(draw(st.lists(st.dates(date(2025, 1, 1), date(2026, 1, 1)), max_size=40))),
    }
    return Rule(begin, zone, **{**about, **fixed})


windows = st.builds(
    lambda begin, span: Window(begin, begin + span),
    st.datetimes(naive("2024-01-01"), naive("2028-01-01"), timezones=st.just(UTC)),
    st.timedeltas(timedelta(seconds=1), YEAR),
)
EVER = Window(at("2023-01-01", UTC), at("2075-01-01", UTC))


@given(rules(), windows)
def test_every_occurrence_is_in_the_window_and_obeys_the_rule(rule, seen):
    found = list(occurrences(rule, seen))

    assert found == sorted(found, key=lambda one: one.starts)
    assert len({one.starts for one in found}) == len(found)
    for one in found:
        day = local_time(one.starts, rule.zone).date()
        assert one.starts < seen.until
        assert one.starts >= seen.since or one.ends > seen.since
        assert day not in rule.exceptions
        assert rule.until is None or day <= rule.until or rule.repeats == "none"


@given(rules(until=None), st.integers(1, 40), st.sampled_from(list(FREQUENCIES)))
def test_no_more_than_the_count_happen_and_as_many_without_exceptions(rule, count, repeats):
    rule = replace(rule, count=count, repeats=repeats)

    found = list(occurrences(rule, EVER))

    assert len(found) <= count
    if not rule.exceptions and (repeats != "yearly" or rule.first.month != 2):
        assert len(found) == count


@given(rules(whole_days=False))
def test_the_local_time_is_the_same_but_where_there_is_none(rule):
    for one in occurrences(rule, Window(EVER.since, at("2030-01-01", UTC))):
        wall = one.starts.astimezone(rule.zone)
        gap = wall.utcoffset() - (wall - DAY).utcoffset()
        assert wall.time() == rule.first.time() or (gap and wall.replace(tzinfo=None) - gap == datetime.combine(wall, rule.first.time()))  # fmt: skip


@given(rules(), windows)
def test_a_window_shows_what_a_longer_one_shows_of_it(rule, seen):
    wide = occurrences(rule, Window(seen.since - YEAR, seen.until + YEAR))

    inside = [
        one
        for one in wide
        if one.starts < seen.until and (one.starts >= seen.since or (one.ends or one.starts) > seen.since)
    ]
    assert list(occurrences(rule, seen)) == inside


@given(rules(whole_days=True, exceptions=frozenset(), until=None, ends=None))
def test_the_days_are_those_of_rrule(rule):
    if rule.frequency is not None:
        expected = rrule(rule.frequency, dtstart=rule.first, until=naive("2030-01-01"))[: rule.count]
        found = occurrences(rule, Window(EVER.since, local_time(at("2030-01-01T00:01", rule.zone), UTC)))
        days = [one.starts.astimezone(rule.zone).date() for one in found]
        assert days == [moment.date() for moment in expected]
