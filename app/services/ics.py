"""A calendar in the words of iCalendar (RFC 5545), for calendar programs."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event

from app.core.calendar import Occurs
from app.core.occurrences import Rule, instant, local_time, plus
from app.core.record import Record
from app.core.resource import Resource
from app.services.vtimezone import vtimezone

PRODUCT = "-//crm-sync//{name}//EN"
SECOND = timedelta(seconds=1)
LAST_SECOND = time(23, 59, 59)


def calendar(resource: Resource, records: Sequence[Record]) -> bytes:
    """Return the records as a calendar, with the time zones that they are in."""
    assert resource.occurs is not None
    made = Calendar()
    made.add("version", "2.0")
    made.add("prodid", PRODUCT.format(name=resource.name))
    events = [_event(resource.occurs, record) for record in records]
    for event in events:
        made.add_component(event)
    made.subcomponents = [*(vtimezone(name) for name in sorted(made.get_missing_tzids())), *events]
    content: bytes = made.to_ical()
    return content


def _event(occurs: Occurs, record: Record) -> Event:
    rule, fields, made = occurs.rule(record.fields), record.fields, Event()
    made.add("uid", record.id)
    made.add("dtstamp", record.last_updated)  # of an event that is in no message: when it was last changed
    made.add("last-modified", record.last_updated)
    made.add("sequence", record.version - 1)
    made.add("summary", _lines(fields[occurs.title]))
    if fields[occurs.text]:
        made.add("description", _lines(fields[occurs.text]))
    made.add("dtstart", _start(rule))
    if (end := _end(rule)) is not None:
        made.add("dtend", end)
    if rule.frequency is not None:
        made.add("rrule", _rrule(rule))
        if rule.exceptions:
            made.add("exdate", [_on(rule, day) for day in sorted(rule.exceptions)])
    return made


def _start(rule: Rule) -> date | datetime:
    if rule.whole_days:
        return rule.first.date()
    return _local(rule.starts, rule.zone) if rule.frequency is None else local_time(rule.starts, rule.zone)


def _end(rule: Rule) -> date | datetime | None:
    """Return the end, which RFC 5545 wants to be later than the start; without one it is over when it begins."""
    if rule.whole_days:
        return plus(rule.first, rule.length).date()
    return _local(plus(rule.starts, rule.length), rule.zone) if rule.length >= SECOND else None


def _rrule(rule: Rule) -> dict[str, str | int | date | datetime]:
    """Return the rule. Its last day is said as DTSTART is: a day for days, else in UTC (RFC 5545, 3.3.10)."""
    found: dict[str, str | int | date | datetime] = {"freq": rule.repeats.upper()}
    if rule.until is not None:
        found["until"] = (
            rule.until if rule.whole_days else instant(datetime.combine(rule.until, LAST_SECOND), rule.zone)
        )
    if rule.count is not None:
        found["count"] = rule.count
    return found


def _on(rule: Rule, day: date) -> date | datetime:
    """Return the start that an exception takes out."""
    return day if rule.whole_days else datetime.combine(day, rule.first.time(), rule.zone).replace(fold=0)


def _local(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return a time in its zone; the second of two that are spelled alike in UTC, which has only one of each."""
    local = local_time(moment, zone)
    return moment.astimezone(UTC) if local.fold else local


def _lines(text: str) -> str:
    r"""Return a text whose only line ends are \n: a bare \r would begin a line of the file in some programs."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
