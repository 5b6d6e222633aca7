"""What is noted while a history is played: what callers were told, and what was seen of the records in between."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from app.core.db import reading
from app.core.resource import Resource
from app.store import journal, records

ALL = 100_000
PEOPLE = frozenset({"api", "rollback", "resolution"})
"""Who may bring a record back: news from the CRM may not."""
SERVER_ERROR, REDIRECT, UNAUTHORIZED, NOT_NOW = 500, 300, 401, 503


@dataclass(frozen=True)
class Letter:
    """A webhook of the CRM: its webhook-id and its body."""

    identity: str
    body: dict[str, Any]


class Ledger:
    """Keeps what the invariants are checked against; `of` holds what is kept of each resource."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.changes = 0
        """Requests that changed something here."""
        self.breaches: list[tuple[str, str]] = []
        """(invariant, what was seen) of what did not hold on the way."""
        self.of = {resource.name: Book(self, resource) for resource in resources}

    def breach(self, invariant: str, text: str) -> None:
        self.breaches.append((invariant, text))

    def answered(self, code: int, *, storage_failed: bool = False) -> bool:
        """Note an answer; tell whether it was a yes."""
        if code >= SERVER_ERROR and not (code == NOT_NOW and storage_failed):
            self.breach("answers", f"the service answered {code}")
        return code < REDIRECT

    def look(self) -> None:
        """Look at the records between two steps."""
        for book in self.of.values():
            book.look()


class Book:
    """What is kept of one resource."""

    def __init__(self, ledger: Ledger, resource: Resource) -> None:
        self._ledger, self._resource = ledger, resource
        self.known: list[str] = []
        """The records that lived at the last look."""
        self.tombstones: list[str] = []
        """Records whose deletion was acknowledged to a caller, and that nobody brought back."""
        self.acknowledged: list[tuple[str, str, Any]] = []
        """(record id, field, value) of every write that was answered with yes."""
        self.answers: list[tuple[str, int, dict[str, Any]]] = []
        """(record id, version, fields) of every record that a write was answered with."""
        self._versions: dict[str, int] = {}
        self._buried: set[str] = set()

    def wrote(self, answer: dict[str, Any], fields: dict[str, Any]) -> None:
        self._ledger.changes += 1
        self.acknowledged += [(answer["id"], name, value) for name, value in fields.items()]
        self.shown(answer)

    def shown(self, answer: dict[str, Any] | None) -> None:
        """Note the record that a write was answered with, if the answer was a yes."""
        if answer:
            fields = {name: value for name, value in answer.items() if name in self._resource.fields}
            self.answers.append((answer["id"], answer["version"], fields))

    def deleted(self, record_id: str) -> None:
        self._ledger.changes += 1
        self.tombstones.append(record_id)

    def forget(self, record_id: str) -> None:
        """Somebody brings a record back; noted before it is done, since it may die before it can say so."""
        self.tombstones = [one for one in self.tombstones if one != record_id]

    def look(self) -> None:
        with reading() as connection:
            live = records.live(connection, self._resource, "", ALL)
        for record in live:
            if record.version < self._versions.get(record.id, 0):
                self._ledger.breach("versions", f"{record.id} fell from version {self._versions[record.id]}")
            self._versions[record.id] = record.version
        self.known = [record.id for record in live]
        for record_id in self._buried.intersection(self.known):
            if (by := restored_by(self._resource, record_id)) not in PEOPLE:
                self._ledger.breach("tombstones", f"{record_id} was deleted and lives again, by {by}")
        self._buried = self._versions.keys() - set(self.known)

    def seen(self) -> Iterator[str]:
        """Return every record that ever lived."""
        return iter(sorted(self._versions))


def restored_by(resource: Resource, record_id: str) -> str | None:
    """Return by what a record came back to life last, None when nothing says so."""
    with reading() as connection:
        entries = journal.of(connection, resource.name, record_id, ALL)
    return next((one["by"] for one in entries if one["field"] == journal.DELETED and not one["to"]), None)
