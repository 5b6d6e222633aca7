"""One unit of work: what a transaction has read of a resource's records, and what it is about to write.

Reads are shared and writes go out together, so the number of statements does not grow with the number of records.
Nothing is written before `flush`; a plan is a unit of work that is never flushed.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from app.core.kinds import unique_key
from app.core.record import CrmCopy, Record
from app.core.resource import Resource
from app.store import conflicts, crm_changes, crm_copies, inbox, journal, outbox, records, settings
from app.store.conflicts import Known
from app.store.crm_changes import Told
from app.store.inbox import Parked
from app.store.journal import Entry
from app.store.outbox import Owed
from app.store.records import Keys
from app.store.shelf import Shelf

Claims = tuple[str | None, dict[str, str]]
"""What no two records may share: the crm_id, and the unique fields of a live one."""


class Work:
    """The records of one resource within one transaction; what it hands out may be changed and given back.

    Without `locking` it only looks: for a plan, or a report.
    """

    def __init__(self, tx: Connection, resource: Resource, *, locking: bool = True) -> None:
        self.tx = tx
        self.resource = resource
        self.journal: list[Entry] = []
        self.told: list[Told] = []
        self.questions: dict[str, str] = {}
        self.settled: dict[str, str] = {}
        self.held: dict[str, dict[str, Any]] = {}
        self.records: Shelf[Record] = Shelf(lambda _: {})
        self.copies: Shelf[CrmCopy] = Shelf(lambda ids: crm_copies.get_many(tx, resource, ids))
        self.outbox: Shelf[Owed] = Shelf(lambda ids: outbox.get_many(tx, resource.name, ids, lock=locking))
        self.conflicts: dict[str, Known] = {}
        self.locking = locking
        self._linked: dict[str, str | None] = {}
        self._holders: dict[tuple[str, str], str | None] = {}
        self._parked: dict[str, list[Parked]] = {}
        self._shown: dict[str, Claims] = {}
        self._stored: dict[str, Claims] = {}
        self._conflicts_of: tuple[set[str], set[str]] = (set(), set())
        self._changed_conflicts: set[str] = set()
        self._new: set[str] = set()
        self._rules: dict[str, str] | None = None

    # ── records ──────────────────────────────────────────────────────────────────────────────────────────────────

    def load(
        self, *, ids: Iterable[str] = (), crm_ids: Iterable[str] = (), keys: Keys | None = None, or_skip: bool = False
    ) -> None:
        """Read records in advance, with one statement; what belongs to them follows when it is asked for."""
        wanted = [one for one in dict.fromkeys(ids) if one not in self.records]
        links = [one for one in dict.fromkeys(crm_ids) if one not in self._linked]
        unknown = {name: [key for key in dict.fromkeys(found) if (name, key) not in self._holders]
                   for name, found in (keys or {}).items()}  # fmt: skip
        unknown = {name: found for name, found in unknown.items() if found}
        if not (wanted or links or unknown):
            return
        found = records.find(
            self.tx, self.resource, ids=wanted, crm_ids=links, keys=unknown, lock=self.locking, or_skip=or_skip
        )
        for record in found:
            if record.id not in self.records:
                self._show(record)
                self._stored[record.id] = self._shown[record.id]
                self.records.know(record.id, record)
        self._note_absent(wanted, links, unknown)

    def record(self, record_id: str) -> Record | None:
        """Return a record, tombstones too."""
        self.load(ids=[record_id])
        return self.records.get(record_id)

    def linked(self, crm_id: str) -> Record | None:
        self.load(crm_ids=[crm_id])
        return self._one(self._linked[crm_id])

    def holder(self, name: str, value: str | None) -> Record | None:
        """Return the live record that holds `value` in a unique field, in any letter case."""
        key = unique_key(value)
        if key is None:
            return None
        self.load(keys={name: [key]})
        return self._one(self._holders[name, key])

    def add(self, record: Record) -> None:
        self._new.add(record.id)
        self._conflicts_of[0].add(record.id)
        self.save(record)
        for shelf in (self.copies, self.outbox):
            if record.id not in shelf:
                shelf.know(record.id, None)

    def save(self, record: Record) -> None:
        self._hide(record.id)
        self._show(record)
        self.records.put(record.id, record)

    def _one(self, record_id: str | None) -> Record | None:
        return None if record_id is None else self.records.get(record_id)

    def _keys(self, record: Record) -> dict[str, str]:
        if record.deleted_at is not None:
            return {}
        found = {name: unique_key(record.fields[name]) for name in self.resource.unique_fields}
        return {name: key for name, key in found.items() if key is not None}

    def _show(self, record: Record) -> None:
        keys = self._keys(record)
        self._shown[record.id] = (record.crm_id, keys)
        if record.crm_id is not None:
            self._linked[record.crm_id] = record.id
        for pair in keys.items():
            self._holders[pair] = record.id

    def _hide(self, record_id: str) -> None:
        crm_id, keys = self._shown.pop(record_id, (None, {}))
        if crm_id is not None and self._linked.get(crm_id) == record_id:
            self._linked[crm_id] = None
        for pair in keys.items():
            if self._holders.get(pair) == record_id:
                self._holders[pair] = None

    def _note_absent(self, ids: Iterable[str], links: Iterable[str], keys: Keys) -> None:
        for one in ids:
            if one not in self.records:
                self.records.know(one, None)
        for crm_id in links:
            self._linked.setdefault(crm_id, None)
        for name, found in keys.items():
            for key in found:
                self._holders.setdefault((name, key), None)

    # ── what belongs to them ─────────────────────────────────────────────────────────────────────────────────────

    def copy(self, record_id: str) -> CrmCopy | None:
        return self.copies.fetch(record_id, self.records.present())

    def owed(self, record_id: str) -> Owed | None:
        return self.outbox.fetch(record_id, self.records.present())

    def owe(self, record_id: str, now: datetime, due_at: datetime | None = None) -> None:
        """Note that a record owes the CRM something; one that owed already is tried at the new time."""
        entry = self.owed(record_id) or Owed(self.resource.name, record_id, now, now)
        self.outbox.put(record_id, entry.marked(now, due_at))

    def open_conflicts(self, record_id: str | None, crm_id: str | None = None) -> list[Known]:
        """Return what is open about one of our records or one of the CRM's."""
        self._load_conflicts(record_id, crm_id)
        return [
            one
            for one in self.conflicts.values()
            if one.status == conflicts.OPEN
            and ((record_id is not None and one.found.record_id == record_id) or one.found.crm_id == crm_id)
        ]

    def put_conflict(self, known: Known) -> None:
        self.conflicts[known.id] = known
        self._changed_conflicts.add(known.id)

    def new_conflicts(self) -> list[Known]:
        """Return the conflicts that would be written."""
        return [self.conflicts[one] for one in sorted(self._changed_conflicts)]

    def parked(self, crm_id: str) -> list[Parked]:
        """Return what waits for a record of the CRM and is not settled yet."""
        missing = {crm_id, *self._linked} - self._parked.keys()
        if crm_id in missing:
            self._parked |= {one: [] for one in missing}
            for one in inbox.parked_for(self.tx, self.resource.name, missing):
                self._parked[one.crm_id].append(one)
        return [one for one in self._parked[crm_id] if one.id not in self.settled]

    def ask(self, question: str, crm_id: str) -> None:
        """Note that only the CRM can say what is true of a record; the worker asks, once."""
        if crm_id not in self.questions.values() and not any(one.body is None for one in self.parked(crm_id)):
            self.questions[question] = crm_id

    def rules(self) -> dict[str, str]:
        """Return what people made a rule: the policy by `resource.field`."""
        if self._rules is None:
            self._rules = settings.rules(self.tx)
        return self._rules

    def set_at(self, record_id: str, name: str) -> datetime | None:
        """Return when a field of a record was last changed."""
        pending = [one.at for one in self.journal if one.record_id == record_id and name in one.changes]
        return pending[-1] if pending else journal.set_at(self.tx, self.resource.name, record_id, name)

    def _load_conflicts(self, record_id: str | None, crm_id: str | None) -> None:
        about_ids, about_crm_ids = self._conflicts_of
        ids = ({*self.records.present()} | ({record_id} if record_id else set())) - about_ids
        crm_ids = ({*self._linked} | ({crm_id} if crm_id else set())) - about_crm_ids
        if not (record_id in ids or crm_id in crm_ids):
            return
        about_ids |= ids
        about_crm_ids |= crm_ids
        for known in conflicts.open_about(self.tx, self.resource.name, ids, crm_ids):
            self.conflicts.setdefault(known.id, known)

    def _gave_up(self, record_id: str) -> bool:
        crm_id, keys = self._stored.get(record_id, (None, {}))
        now_crm_id, now_keys = self._shown[record_id]
        return (crm_id is not None and crm_id != now_crm_id) or any(
            now_keys.get(name) != key for name, key in keys.items()
        )

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────

    def flush(self, now: datetime) -> None:
        """Write everything, a statement for each table."""
        tx, resource = self.tx, self.resource
        self._flush_records()
        if gone := self.copies.gone():
            crm_copies.remove(tx, resource, gone)
        crm_copies.save(tx, resource, self.copies.changed())
        if gone := self.outbox.gone():
            outbox.remove(tx, resource.name, gone)
        outbox.save(tx, self.outbox.changed().values())
        conflicts.save(tx, self.new_conflicts())
        journal.add(tx, self.journal)
        crm_changes.add(tx, self.told)
        inbox.ask(tx, resource.name, self.questions, now)
        inbox.hold(tx, resource.name, self.held, now)
        inbox.settle_many(tx, self.settled)

    def _flush_records(self) -> None:
        changed = self.records.changed()
        if len(changed) > 1 and (moved := [one for one in changed if self._gave_up(one)]):
            # One record may have taken what another gave up: no order of writing suits all, so these let go first.
            records.release(self.tx, self.resource, moved)
        records.add(self.tx, self.resource, [one for one in changed.values() if one.id in self._new])
        records.save(self.tx, self.resource, [one for one in changed.values() if one.id not in self._new])
