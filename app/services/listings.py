"""Pages of the records of one resource."""

from dataclasses import dataclass
from typing import Any

from app.core.db import reading
from app.core.occurrences import Window
from app.core.record import Record
from app.core.resource import Resource
from app.store.records import Listing, sort_value


@dataclass(frozen=True)
class Wanted:
    """One page of a listing, by number or after a position (sort value, id); with a window, of what happens in it."""

    filters: dict[str, Any]
    sort: str
    page: int
    per_page: int
    after: tuple[Any, str] | None = None
    window: Window | None = None


@dataclass(frozen=True)
class Found:
    """A page of records; `next_after` is the position of its last one when more follow."""

    records: list[Record]
    total: int
    next_after: tuple[Any, str] | None


def listing(resource: Resource, wanted: Wanted) -> Found:
    """Return one page of live records."""
    query = Listing(resource, wanted.filters, wanted.sort)
    with reading() as connection:
        total = query.count(connection)
        if wanted.after is None:
            shown = query.page(connection, wanted.page, wanted.per_page)
            more = len(shown) == wanted.per_page and total > wanted.page * wanted.per_page
        else:
            rows = query.after(connection, *wanted.after, wanted.per_page + 1)
            shown, more = rows[: wanted.per_page], len(rows) > wanted.per_page
    return Found(shown, total, (sort_value(shown[-1], wanted.sort), shown[-1].id) if more else None)
