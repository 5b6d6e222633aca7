"""When something happens that happens again and again, by the rules of RFC 5545: values in, values out.

A rule speaks of local days and times: a meeting at nine stays at nine, summer or winter. A local time that does not
exist is read with the offset from before the gap, one that exists twice is the first of the two (RFC 5545, 3.3.5).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice, takewhile
from typing import Any, Literal
from zoneinfo import ZoneInfo

from dateutil.relativedelta import relativedelta
from dateutil.rrule import DAILY, MONTHLY, WEEKLY, YEARLY, rrule

FREQUENCIES: dict[str, Literal[0, 1, 2, 3]] = {"daily": DAILY, "weekly": WEEKLY, "monthly": MONTHLY, "yearly": YEARLY}
_STEPS = {DAILY: "days", WEEKLY: "weeks", MONTHLY: "months", YEARLY: "years"}
DAY = timedelta(days=1)
IN_EVERY_MONTH = 28


@dataclass(frozen=True)
class Window:
    """A span of time, in UTC; its end is not part of it."""

    since: datetime
    until: datetime


@dataclass(frozen=True)
class Rule:
    """The first time that something happens, and the rule by which it happens again. `starts` and `ends` are UTC."""

    starts: datetime
    zone: ZoneInfo
    ends: datetime | None = None
    whole_days: bool = False
    repeats: str = "none"
    until: date | None = None
    count: int | None = None
    exceptions: frozenset[date] = frozenset()

    @property
    def frequency(self) -> Literal[0, 1, 2, 3] | None:
        return FREQUENCIES.get(self.repeats)

    @property
    def first(self) -> datetime:
        """The local time of the first start, without its zone; midnight when it takes whole days."""
        local = local_time(self.starts, self.zone).replace(tzinfo=None)
        return datetime.combine(local, time()) if self.whole_days else local

    @property
    def ends_before_it_starts(self) -> bool:
        return self.until is not None and self.until < self.first.date()

    @property
    def length(self) -> timedelta:
        """How long it takes; of whole days, local ones. A day that it only touches with its end is not one of them."""
        if self.whole_days:
            end = local_time(self.ends or self.starts, self.zone).replace(tzinfo=None)
            whole = datetime.combine(end, time())
            return max(whole - self.first + (DAY if end > whole else timedelta()), DAY)
        return max((self.ends or self.starts) - self.starts, timedelta())


@dataclass(frozen=True)
class Occurrence:
    """One time that it happens, in UTC. What was given no end has none, unless it takes whole days."""

    starts: datetime
    ends: datetime | None


def occurrences(rule: Rule, window: Window) -> Iterator[Occurrence]:
    """Yield, in order, what is under way at some time in the window."""
    length, first = rule.length, rule.first
    since = plus(local_time(window.since, rule.zone), -length - DAY).date()
    until = plus(local_time(window.until, rule.zone), DAY).date()
    for day in _days(rule, first.date(), since, until):
        if day in rule.exceptions:
            continue
        one = _occurrence(rule, datetime.combine(day, first.time()), length, is_first=day == first.date())
        if one.starts < window.until and (one.starts >= window.since or (one.ends or one.starts) > window.since):
            yield one


def _occurrence(rule: Rule, local: datetime, length: timedelta, *, is_first: bool) -> Occurrence:
    if rule.whole_days:
        return Occurrence(instant(local, rule.zone), instant(plus(local, length), rule.zone))
    starts = rule.starts if is_first else instant(local, rule.zone)
    return Occurrence(starts, None if rule.ends is None else plus(starts, length))


def _days(rule: Rule, first: date, since: date, until: date) -> Iterator[date]:
    """Yield the local days on which it starts, from `since` to `until`, exceptions among them."""
    frequency, last = rule.frequency, until
    if frequency is None:
        yield from (day for day in (first,) if since <= day <= last)
        return
    begin, most = max(first, since), None
    if rule.count is not None and _is_even(frequency, first):
        last = min(last, _last(frequency, first, rule.count))
    elif rule.count is not None:
        begin, most = first, rule.count
    if rule.until is not None:
        last = min(last, rule.until)
    found = (moment.date() for moment in islice(_rule(frequency, first, begin), most))
    yield from (day for day in takewhile(lambda day: day <= last, found) if day >= since)


def _rule(frequency: Literal[0, 1, 2, 3], first: date, begin: date) -> rrule:
    """Return the rule of what started on `first`, from `begin` on: long years are not walked through one by one."""
    by: dict[int, dict[str, Any]] = {
        DAILY: {},
        WEEKLY: {"byweekday": first.weekday()},
        MONTHLY: {"bymonthday": first.day},
        YEARLY: {"bymonth": first.month, "bymonthday": first.day},
    }
    return rrule(frequency, dtstart=datetime.combine(begin, time()), **by[frequency])


def _is_even(frequency: int, first: date) -> bool:
    """Tell whether every step has its day: months without a 31st, and years without a 29 February, are left out."""
    return frequency in {DAILY, WEEKLY} or first.day <= IN_EVERY_MONTH


def _last(frequency: int, first: date, count: int) -> date:
    """Return the day of the last of `count` occurrences, of a rule whose every step has its day."""
    try:
        return first + relativedelta(**{_STEPS[frequency]: count - 1})  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        return date.max


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the time in UTC of a local time; `fold=0` is RFC 5545's choice where there is none, or two."""
    try:
        return local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    except OverflowError:
        return local.replace(tzinfo=UTC)


def local_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return a time as it is in a zone; on the first and the last day that there are, as it is in UTC."""
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def plus(moment: datetime, span: timedelta) -> datetime:
    """Add, and stay within the years that there are."""
    try:
        return moment + span
    except OverflowError:
        edge = (date.min, time.min) if span < timedelta() else (date.max, time.max)
        return datetime.combine(*edge, moment.tzinfo)
