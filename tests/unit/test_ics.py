"""iCalendar files: what a calendar program makes of them is what we say."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.core.kinds import format_time
from app.core.occurrences import Window, occurrences
from app.core.record import Record
from app.resources import REGISTRY
from app.services import ics
from app.services.vtimezone import vtimezone

EVENTS = REGISTRY["calendar-events"]
MADE, CHANGED = datetime(2026, 1, 1, 12, tzinfo=UTC), datetime(2026, 2, 1, 12, tzinfo=UTC)
naive = datetime.fromisoformat
ZONES = ["Europe/Berlin", "America/New_York", "UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "America/Sao_Paulo"]


def event(**fields):
    fields = {"title": "Call", "starts_at": "2026-03-02T08:00:00.000Z", "time_zone": "Europe/Berlin"} | fields
    return Record(EVENTS.name, "0190a6e2", EVENTS.whole(fields), MADE, CHANGED, version=3)


def written(*records):
    """Return the file as text, and the first event as a calendar program reads it."""
    content = ics.calendar(EVENTS, records)
    return content.decode().replace("\r\n ", "").split("\r\n"), icalendar.Calendar.from_ical(content).events[0]


def test_an_event_says_what_the_record_does():
    lines, _ = written(event(ends_at="2026-03-02T08:30:00.000Z", description="Numbers; of\nthe week, all"))

    for line in (
        "UID:0190a6e2",
        "DTSTAMP:20260201T120000Z",
        "LAST-MODIFIED:20260201T120000Z",
        "SEQUENCE:2",
        "SUMMARY:Call",
        r"DESCRIPTION:Numbers\; of\nthe week\, all",
        "DTSTART;TZID=Europe/Berlin:20260302T090000",
        "DTEND;TZID=Europe/Berlin:20260302T093000",
        "TZID:Europe/Berlin",
    ):
        assert lines.count(line) == 1, line
    assert not [line for line in lines if line.startswith(("RRULE", "EXDATE"))]


def test_a_recurring_event_has_its_rule():
    more = {"recurrence": "weekly", "recurrence_exceptions": ["2026-03-30", "2026-03-09"]}

    until, _ = written(event(**more, recurrence_until="2026-12-31"))
    count, _ = written(event(**more, recurrence_count=5))

    assert "RRULE:FREQ=WEEKLY;UNTIL=20261231T225959Z" in until
    assert "RRULE:FREQ=WEEKLY;COUNT=5" in count
    assert "EXDATE;TZID=Europe/Berlin:20260309T090000,20260330T090000" in until


def test_whole_days_are_dates():
    lines, _ = written(
        event(
            starts_at="2026-03-01T23:00:00.000Z", all_day=True, recurrence="yearly", recurrence_until="2030-03-02",
            recurrence_exceptions=["2027-03-02"],
        )
    )  # fmt: skip

    for line in (
        "DTSTART;VALUE=DATE:20260302",
        "DTEND;VALUE=DATE:20260303",
        "RRULE:FREQ=YEARLY;UNTIL=20300302",
        "EXDATE;VALUE=DATE:20270302",
    ):
        assert line in lines
    assert "BEGIN:VTIMEZONE" not in lines


def test_utc_needs_no_time_zone():
    lines, _ = written(event(time_zone="UTC"))

    assert "DTSTART:20260302T080000Z" in lines
    assert "BEGIN:VTIMEZONE" not in lines


def test_the_second_of_two_times_alike_is_said_in_utc():
    lines, found = written(event(starts_at="2026-10-25T01:30:00.000Z"))

    assert "DTSTART:20261025T013000Z" in lines
    assert found.start == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_what_recurs_by_local_time_begins_by_it():
    lines, _ = written(event(starts_at="2026-10-25T01:30:00.000Z", recurrence="daily"))

    assert "DTSTART;TZID=Europe/Berlin:20261025T023000" in lines


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_no_text_breaks_out_of_its_line(end):
    lines, found = written(event(description=f"x{end}END:VEVENT", title="y" * 200))

    assert not [line for line in lines if "\r" in line]
    assert lines.count("END:VEVENT") == 1
    assert str(found["DESCRIPTION"]) == "x\nEND:VEVENT"
    assert str(found["SUMMARY"]) == "y" * 200


def test_a_file_without_events_is_one():
    assert icalendar.Calendar.from_ical(ics.calendar(EVENTS, [])).events == []


@pytest.mark.parametrize("name", [*ZONES, "Europe/Dublin", "Africa/Casablanca", "Pacific/Apia", "Asia/Tehran"])
def test_a_time_zone_read_back_is_the_same(name):
    read, zone = icalendar.Timezone.from_ical(vtimezone(name).to_ical()), ZoneInfo(name)
    onsets = _onsets(read)
    for (begin, offset), (end, _) in zip(onsets, [*onsets[1:], (naive("2038-01-01"), None)], strict=True):
        for moment in (begin, begin + (end - begin) / 2, end - timedelta(seconds=1)):
            assert moment.replace(tzinfo=UTC).astimezone(zone).utcoffset() == offset, moment


def _onsets(zone):
    """Return from when, in UTC, which offset holds: read as RFC 5545 says, 3.6.5."""
    found = []
    for part in zone.subcomponents:
        more = part.get("RDATE", [])
        rdates = [one.dt for each in (more if isinstance(more, list) else [more]) for one in each.dts]
        found += [(onset - part.TZOFFSETFROM, part.TZOFFSETTO) for onset in (part.DTSTART, *rdates)]
    return sorted(found)


@st.composite
def events(draw):
    starts = draw(st.datetimes(naive("2024-01-01"), naive("2026-12-01")).map(lambda one: one.replace(microsecond=0, tzinfo=UTC)))  # fmt: skip
    zone = draw(st.sampled_from(ZONES))
    fields = {
        "starts_at": format_time(starts),
        "ends_at": format_time(starts + draw(st.timedeltas(timedelta(hours=1), timedelta(days=3)))),
        "time_zone": zone,
        "all_day": draw(st.booleans()),
        "recurrence": draw(st.sampled_from(["none", "daily", "weekly", "monthly", "yearly"])),
        "recurrence_exceptions": [one.isoformat() for one in draw(st.lists(st.dates(date(2025, 1, 1), date(2025, 12, 31)), max_size=30))],
    }  # fmt: skip
    if fields["recurrence"] != "none":
        day = starts.astimezone(ZoneInfo(zone)).date()
        until = st.dates(day, date(2027, 6, 1)).map(lambda one: {"recurrence_until": one.isoformat()})
        count = st.integers(1, 300).map(lambda most: {"recurrence_count": most})
        fields |= draw(st.just({}) | until | count)
    return event(**fields)


@settings(max_examples=60)
@given(events())
def test_a_calendar_program_finds_the_occurrences_that_we_do(record):
    rule = EVENTS.occurs.rule(record.fields)
    seen = Window(datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 12, 1, tzinfo=UTC))
    assume(rule.frequency is None or not rule.starts.astimezone(rule.zone).fold)
    calendar = icalendar.Calendar.from_ical(ics.calendar(EVENTS, [record]))

    theirs = {_instant(one.start, rule.zone) for one in recurring_ical_events.of(calendar).between(*_wide(seen))}

    ours = {one.starts for one in occurrences(rule, seen)}
    assert {one for one in theirs if seen.since <= one < seen.until} == {one for one in ours if one >= seen.since}


def _wide(seen):
    return seen.since - timedelta(days=2), seen.until + timedelta(days=2)


def _instant(start, zone):
    if not isinstance(start, datetime):
        start = datetime(start.year, start.month, start.day, tzinfo=zone)
    return start.astimezone(UTC)
