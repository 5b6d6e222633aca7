"""Records of the CRM by page number: one page that knows its place, and all of them one after the other."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

from app.crm.errors import Unavailable
from app.crm.typed import CRMRecord

R = TypeVar("R", bound=CRMRecord)
MOST_PAGES = 100_000
"""No listing is longer: a CRM whose pages never end must not hold a program for ever."""


@dataclass(frozen=True)
class Listing(Sequence[R], Generic[R]):
    """One page of records, as a list. `total` records and `pages` there are in all; None where the CRM does not say."""

    items: list[R]
    page: int
    per_page: int
    total: int | None = None
    pages: int | None = None

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, place: int) -> R: ...
    @overload
    def __getitem__(self, place: slice) -> list[R]: ...
    def __getitem__(self, place: int | slice) -> R | list[R]:
        return self.items[place]

    @property
    def is_last(self) -> bool:
        """Whether no page comes after this one."""
        if self.pages is not None:
            return self.page >= self.pages
        return len(self.items) < self.per_page


def every(page_of: Callable[[int], Listing[R]]) -> Iterator[R]:
    """Yield every record once, asking for a page when the one before is used up.

    Pages shift while records come and go: one that is deleted meanwhile can hide another from this walk. Raises
    Unavailable when the CRM does not turn the page.
    """
    seen: set[str] = set()
    for number in range(1, MOST_PAGES + 1):
        listing = page_of(number)
        if not listing.items:
            return
        fresh = [record for record in listing if record.id not in seen]
        if listing.page != number and not listing.is_last:
            raise Unavailable(f"The CRM answered with page {listing.page} instead of {number}.")
        if not fresh and not listing.is_last:
            raise Unavailable(f"The CRM gave the same records again as page {number}.")
        seen.update(record.id for record in fresh)
        yield from fresh
        if listing.is_last:
            return
    raise Unavailable(f"The listing has more than {MOST_PAGES} pages.")
