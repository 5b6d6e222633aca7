"""What a unit of work holds of one table: read once, changed in memory, written at the end."""

from collections.abc import Callable, Collection, Iterable
from typing import Generic, TypeVar

V = TypeVar("V")


class Shelf(Generic[V]):
    """Values by the id of their record. `fetch` reads all that may be wanted at once, when the first one is."""

    def __init__(self, read: Callable[[Collection[str]], dict[str, V]]) -> None:
        self._read = read
        self._known: dict[str, V | None] = {}
        self._changed: set[str] = set()
        self._stored: set[str] = set()

    def __contains__(self, record_id: str) -> bool:
        return record_id in self._known

    def present(self) -> list[str]:
        return [one for one, value in self._known.items() if value is not None]

    def know(self, record_id: str, value: V | None) -> None:
        """Take note of what is stored."""
        self._known[record_id] = value
        if value is not None:
            self._stored.add(record_id)

    def get(self, record_id: str) -> V | None:
        return self._known.get(record_id)

    def fetch(self, record_id: str, also: Callable[[], Iterable[str]]) -> V | None:
        """Return a value; when it has to be read, those of the records that `also` names are read along."""
        if record_id not in self._known:
            missing = {record_id, *also()} - self._known.keys()
            found = self._read(sorted(missing))
            for one in missing:
                self.know(one, found.get(one))
        return self._known[record_id]

    def put(self, record_id: str, value: V) -> None:
        self._known[record_id] = value
        self._changed.add(record_id)

    def remove(self, record_id: str) -> None:
        if record_id not in self._known:
            self._stored.add(record_id)  # nobody has looked: it may be there
        self._known[record_id] = None
        self._changed.add(record_id)

    def changed(self) -> dict[str, V]:
        """Return what has to be written."""
        found = {one: self._known[one] for one in sorted(self._changed)}
        return {one: value for one, value in found.items() if value is not None}

    def touched(self) -> set[str]:
        return set(self._changed)

    def gone(self) -> list[str]:
        """Return what has to be removed."""
        return sorted(one for one in self._changed & self._stored if self._known[one] is None)
