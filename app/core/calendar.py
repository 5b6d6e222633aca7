"""What makes a resource a calendar: which of its fields say when a record happens, and the rule that these make."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

from app.core.kinds import parse_time
from app.core.occurrences import Rule
from app.core.typed import zone


@dataclass(frozen=True, kw_only=True)
class Occurs:
    """The names of the fields of a calendar. Times are UTC; days, and the rule, are those of the time zone.

    `repeats` holds none, daily, weekly, monthly or yearly; `until` the last day on which it may start; `exceptions`
    the days on which it does not.
    """

    starts: str
    ends: str
    zone: str
    whole_days: str
    repeats: str
    until: str
    count: str
    exceptions: str
    title: str
    text: str

    def rule(self, fields: Mapping[str, Any]) -> Rule:
        """Return when a record happens. Where a CRM gives both a last day and a count, the last day is meant."""
        until = fields[self.until]
        starts = parse_time(fields[self.starts])
        assert starts is not None
        return Rule(
            starts=starts.astimezone(UTC),
            ends=parse_time(fields[self.ends]),
            zone=zone(fields[self.zone]),
            whole_days=fields[self.whole_days],
            repeats=fields[self.repeats],
            until=None if until is None else date.fromisoformat(until),
            count=fields[self.count] if until is None else None,
            exceptions=frozenset(map(date.fromisoformat, fields[self.exceptions])),
        )
