"""What happens within a window of time, in order; and a calendar as a file for other programs."""

from dataclasses import dataclass
from typing import Any

from app.core.db import reading
from app.core.errors import Invalid
from app.core.occurrences import Occurrence, occurrences
from app.core.record import Record
from app.core.resource import Resource
from app.services import ics, records
from app.services.listings import Wanted
from app.store.calendar import Happening
from app.store.records import Listing

MOST = 1000
"""Occurrences in all the pages of a window."""
MOST_IN_A_FILE = 5_000


@dataclass(frozen=True)
class Happened:
    """A page of what happens, and how much there is in all."""

    items: list[tuple[Record, Occurrence]]
    total: int


def happening(resource: Resource, wanted: Wanted) -> Happened:
    """Return one page of the occurrences in a window, by their start. Raises Invalid when there are too many."""
    assert resource.occurs is not None
    assert wanted.window is not None
    found: list[tuple[Record, Occurrence]] = []
    with reading() as connection:
        for record in Happening(resource, wanted.filters, wanted.window).each(connection):
            for one in occurrences(resource.occurs.rule(record.fields), wanted.window):
                found.append((record, one))
                if len(found) > MOST:
                    raise Invalid(f"to: {_TOO_MANY}", errors={"to": [_TOO_MANY]})
    found.sort(key=lambda item: (item[1].starts, item[0].id))
    begin = (wanted.page - 1) * wanted.per_page
    return Happened(found[begin : begin + wanted.per_page], len(found))


def file(resource: Resource, filters: dict[str, Any]) -> bytes:
    """Return live records as one iCalendar file. Raises Invalid when there are too many."""
    assert resource.occurs is not None
    with reading() as connection:
        found = Listing(resource, filters, resource.occurs.starts).page(connection, 1, MOST_IN_A_FILE + 1)
    if len(found) > MOST_IN_A_FILE:
        raise Invalid(f"There are more than {MOST_IN_A_FILE} {resource.name}: choose some of them by a filter.")
    return ics.calendar(resource, found)


def file_of_one(resource: Resource, record_id: str) -> bytes:
    """Return a live record as an iCalendar file. Raises NotFound."""
    return ics.calendar(resource, [records.get(resource, record_id)])


_TOO_MANY = f"More than {MOST} occurrences: choose a smaller window, or some of them by a filter."
