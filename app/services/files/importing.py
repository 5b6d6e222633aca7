"""Taking in a file of records, a chunk at a time: what goes in, what is there already, what is rejected and why.

The outcome is what it would be if each row were a request of its own, in the order of the file, wherever a chunk ends.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from app.core.errors import Invalid, NotFound, ServiceError, Taken
from app.core.kinds import unique_key
from app.core.record import Fields, Record, same
from app.core.resource import Resource
from app.core.schema import load
from app.services.files.landing import Landing
from app.services.files.progress import Noted, Progress
from app.services.files.rejects import Rejects
from app.services.files.tabular import Row, Table

CHUNK = 500


@dataclass(frozen=True)
class Draft:
    """A row that is valid by itself."""

    row: Row
    fields: Fields


class Import:
    """Takes rows in; `counts` says what became of them. With `update` a record that is there is changed to the row."""

    def __init__(self, resource: Resource, landing: Landing, noted: Noted, *, update: bool = False) -> None:
        self.noted = noted
        self.counts = noted.counts
        self._resource = resource
        self._landing = landing
        self._update = update
        self._rejected: list[tuple[Row, str]] = []

    def take(self, rows: list[Row]) -> list[tuple[Row, str]]:
        """Take in a chunk; return the rows that were rejected and why, in the order of the file."""
        self._rejected = []
        waiting = [draft for row in rows if (draft := self._valid(row)) is not None]
        while waiting:
            now, waiting = self._apart(waiting)
            self._store(now)
        self.counts.rows += len(rows)
        self.counts.rejected += len(self._rejected)
        return sorted(self._rejected, key=lambda one: one[0].line)

    def _valid(self, row: Row) -> Draft | None:
        if row.problem is not None:
            self._rejected.append((row, row.problem))
            return None
        try:
            return Draft(row, load(self._resource.full, row.fields))
        except Invalid as error:
            self._reject(row, error)
            return None

    def _apart(self, drafts: list[Draft]) -> tuple[list[Draft], list[Draft]]:
        """Part what can be stored at once from what must see first what becomes of an earlier row."""
        now: list[Draft] = []
        later: list[Draft] = []
        seen: set[tuple[str, str | None]] = set()
        for draft in drafts:
            pairs = {(name, unique_key(draft.fields.get(name))) for name in self._resource.unique_fields}
            pairs = {(name, key) for name, key in pairs if key is not None}
            (later if pairs & seen else now).append(draft)
            seen |= pairs
        return now, later

    def _store(self, drafts: list[Draft]) -> None:
        new = []
        drafts = self._without_stored(drafts)
        for draft, holders in zip(drafts, self._landing.holders([one.fields for one in drafts]), strict=True):
            if holders:
                self._meet(draft, holders)
            else:
                new.append(draft)
        if not new:
            return
        ids = [self.noted.id_of(one.row.line) for one in new] if self.noted.ids else None
        for draft, found in zip(new, self._landing.create([one.fields for one in new], ids), strict=True):
            if isinstance(found, Record):
                self.counts.created += 1
            else:
                self._reject(draft.row, found)

    def _without_stored(self, drafts: list[Draft]) -> list[Draft]:
        """Leave out what this import has stored before: it may have stopped before it could note a chunk."""
        if not self.noted.ids:
            return drafts
        stored = self._landing.known([self.noted.id_of(one.row.line) for one in drafts])
        left = [one for one in drafts if self.noted.id_of(one.row.line) not in stored]
        self.counts.created += len(drafts) - len(left)
        return left

    def _meet(self, draft: Draft, holders: list[Record]) -> None:
        """Decide about a row whose unique value is taken. What it does not mention does not differ."""
        holder = holders[0]
        differs = {name: value for name, value in draft.fields.items() if not same(holder.fields[name], value)}
        if len(holders) == 1 and not differs:
            self.counts.already_there += 1
        elif len(holders) == 1 and self._update:
            self._change(draft, holder, differs)
        else:
            self._reject(draft.row, self._taken(draft, holder))

    def _change(self, draft: Draft, holder: Record, differs: Fields) -> None:
        try:
            self._landing.change(holder, differs)
        except (NotFound, Taken) as error:
            self._reject(draft.row, error)
        else:
            self.counts.updated += 1

    def _taken(self, draft: Draft, holder: Record) -> Taken:
        unique = self._resource.unique_fields
        same = [name for name in unique if unique_key(holder.fields[name]) == unique_key(draft.fields.get(name))]
        return Taken(f"Another {self._resource.singular} has this {' and '.join(same)}.")

    def _reject(self, row: Row, error: ServiceError) -> None:
        self._rejected.append((row, error.detail))


def chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def run(work: Import, table: Table, rejects: Rejects, progress: Progress | None, moved: Callable[[], None]) -> None:
    """Take in the rest of a file, noting after each chunk what is done; `moved` is told each time."""
    for _ in islice(table.rows, work.counts.rows):
        pass  # done before
    for chunk in chunks(table.rows):
        for row, reason in work.take(chunk):
            rejects.write(row, reason)
        size = rejects.sync()
        if progress is not None:
            progress.note(replace(work.noted, rejected_bytes=size))
        moved()
    if progress is not None:
        progress.forget()
