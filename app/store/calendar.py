"""The records of a calendar that may happen within a window: the rules themselves are read elsewhere."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, func, or_

from app.core.kinds import format_time
from app.core.occurrences import DAY, FREQUENCIES, Window, plus
from app.core.record import Record
from app.core.resource import Resource
from app.store.records import Listing

AT_ONCE = 1000
SLACK = 2 * DAY
"""A local day begins up to a day before or after its name in UTC, and what takes whole days takes all of its last."""
YEAR = 366 * DAY


class Happening(Listing):
    """Live records that may happen within a window, in order of their ids; few that do not are among them."""

    def __init__(self, resource: Resource, filters: dict[str, Any], window: Window) -> None:
        super().__init__(resource, filters, "id")
        self._where += self._may_fall(window)

    def each(self, tx: Connection) -> Iterator[Record]:
        """Yield them, a page read at a time."""
        page = self.page(tx, 1, AT_ONCE)
        while page:
            yield from page
            page = self.after(tx, page[-1].id, page[-1].id, AT_ONCE) if len(page) == AT_ONCE else []

    def _may_fall(self, window: Window) -> list[ColumnElement[bool]]:
        """Return the conditions. Times are texts of one form, and so are days: they compare as what they say."""
        occurs = self._resource.occurs
        assert occurs is not None
        starts, ends = self._table.c[occurs.starts], self._table.c[occurs.ends]
        repeats, until = self._table.c[occurs.repeats], self._table.c[occurs.until]
        earliest, latest = format_time(plus(window.since, -SLACK)), format_time(plus(window.until, SLACK))
        last_day = plus(window.since, -SLACK - YEAR).date().isoformat()
        is_long = func.substr(ends, 1, 4) > func.substr(starts, 1, 4)  # else it takes less than a year
        again = and_(repeats.in_(FREQUENCIES), or_(until.is_(None), until >= last_day, is_long))
        return [starts <= latest, or_(func.coalesce(ends, starts) >= earliest, again)]
