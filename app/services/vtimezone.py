"""A time zone in the words of iCalendar (RFC 5545, 3.6.5), from the time zone database.

The library's own generator puts each onset of summer time an hour late, in the time that it leads to.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard

SINCE, UNTIL = datetime(1970, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
"""What is said of a zone; before and after, the first and the last that was said hold."""
STEP, EXACT = timedelta(days=7), timedelta(seconds=1)
Observed = tuple[timedelta, timedelta, str, bool]
"""The offsets from UTC before and after, the name after, whether that is standard time."""


@lru_cache(maxsize=100)
def vtimezone(name: str) -> Timezone:
    """Return the component that says when the clocks of a zone change."""
    zone, made = ZoneInfo(name), Timezone()
    made.add("tzid", name)
    onsets: dict[Observed, list[datetime]] = defaultdict(list)
    onsets[_observed(zone, SINCE, SINCE)].append(SINCE.astimezone(zone).replace(tzinfo=None))
    for before, after in _changes(zone):
        observed = _observed(zone, before, after)
        onsets[observed].append((after + observed[0]).replace(tzinfo=None))  # in the time that it ends
    for (before_, after_, called, is_standard), times in onsets.items():
        part = TimezoneStandard() if is_standard else TimezoneDaylight()
        part.TZOFFSETFROM, part.TZOFFSETTO, part.DTSTART = before_, after_, times[0]
        part.add("tzname", called)
        if times[1:]:
            part.add("rdate", times[1:])
        made.add_component(part)
    return made


def _changes(zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """Yield the seconds in UTC before and after which the clocks change; no two changes are within a week."""
    at = SINCE
    while at < UNTIL:
        ahead = at + STEP
        if _state(zone, at) != _state(zone, ahead):
            yield _narrowed(zone, at, ahead)
        at = ahead


def _narrowed(zone: ZoneInfo, before: datetime, after: datetime) -> tuple[datetime, datetime]:
    while after - before > EXACT:
        middle = before + (after - before) // 2
        middle = middle.replace(microsecond=0)
        if _state(zone, middle) == _state(zone, before):
            before = middle
        else:
            after = middle
    return before, after


def _state(zone: ZoneInfo, moment: datetime) -> tuple[timedelta | None, str | None]:
    local = moment.astimezone(zone)
    return local.utcoffset(), local.tzname()


def _observed(zone: ZoneInfo, before: datetime, after: datetime) -> Observed:
    earlier, later = before.astimezone(zone), after.astimezone(zone)
    offsets = earlier.utcoffset(), later.utcoffset()
    assert offsets[0] is not None
    assert offsets[1] is not None
    return offsets[0], offsets[1], later.tzname() or zone.key, not later.dst()
