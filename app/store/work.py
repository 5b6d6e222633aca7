"""One unit of work: what a transaction has read of a resource's records, and what it is about to write.

Reads are shared and writes go out together, so the number of statements does not grow with the number of records.
Nothing is written before `flush`; a plan is a unit of work that is never flushed.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from app.core.errors import Messages
from app.core.record import CrmCopy, Fields, Record, Snapshot
from app.core.resource import Resource
from app.store import conflicts, crm_changes, crm_copies, inbox, journal, outbox, settings
from app.store.conflicts import Found, Known
from app.store.crm_changes import Told
from app.store.identities import Identities
from app.store.inbox import Parked
from app.store.journal import Entry
from app.store.links import Links, Named
from app.store.outbox import Owed
from app.store.readings import Readings
from app.store.records import Keys
from app.store.shelf import Shelf


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
        self.records = Identities(tx, resource, locking=locking)
        self.copies: Shelf[CrmCopy] = Shelf(lambda ids: crm_copies.get_many(tx, resource, ids))
        self.outbox: Shelf[Owed] = Shelf(lambda ids: outbox.get_many(tx, resource.name, ids, lock=locking))
        self.links = Links(tx, resource)
        self.linked_anew: list[str] = []
        """Once it is written: the records that have another counterpart in the CRM than they had."""
        self.conflicts: dict[str, Known] = {}
        self.locking = locking
        self._parked: dict[str, list[Parked]] = {}
        self._conflicts_of: tuple[set[str], set[str]] = (set(), set())
        self._changed_conflicts: set[str] = set()
        self._knows_waiting = False
        self._is_creating: bool | None = None
        self._rules: dict[str, str] | None = None
        self._set_at: dict[str, dict[str, datetime | None]] = {}
        self._readings = Readings(resource, self.links, self.records, self.copies)

    # ── records ──────────────────────────────────────────────────────────────────────────────────────────────────

    def load(
        self, *, ids: Iterable[str] = (), crm_ids: Iterable[str] = (), keys: Keys | None = None, or_skip: bool = False
    ) -> None:
        """Read records in advance, with one statement; what belongs to them follows when it is asked for."""
        self.records.load(ids=ids, crm_ids=crm_ids, keys=keys, or_skip=or_skip)

    def record(self, record_id: str) -> Record | None:
        """Return a record, tombstones too."""
        self.records.load(ids=[record_id])
        return self.records.get(record_id)

    def linked(self, crm_id: str) -> Record | None:
        return self.records.linked(crm_id)

    def holder(self, name: str, value: str | None) -> Record | None:
        """Return the live record that holds `value` in a unique field, in any letter case."""
        return self.records.holder(name, value)

    def add(self, record: Record) -> None:
        """Take in a new record: nothing belongs to it yet."""
        self.records.add(record)
        self._conflicts_of[0].add(record.id)
        for shelf in (self.copies, self.outbox):
            if record.id not in shelf:
                shelf.know(record.id, None)

    def save(self, record: Record) -> None:
        self.records.save(record)

    def read(self, snapshot: Snapshot) -> tuple[Fields, Messages]:
        """Return our form of what a snapshot says, and what of it we cannot take; worked out once."""
        reading = self._readings.of(snapshot)
        return reading.told, reading.wrong

    def unknown(self, snapshot: Snapshot) -> list[Named]:
        """Return whom a snapshot refers to that we know nobody for; these fields are left out of what it says."""
        return self._readings.of(snapshot).unknown

    def read_all(self, snapshots: Iterable[Snapshot]) -> None:
        """Read what snapshots say; what they refer to is looked up together."""
        self._readings.load(snapshots)

    # ── what belongs to them ─────────────────────────────────────────────────────────────────────────────────────

    def copy(self, record_id: str) -> CrmCopy | None:
        return self.copies.fetch(record_id, self.records.present)

    def owed(self, record_id: str) -> Owed | None:
        return self.outbox.fetch(record_id, self.records.present)

    def owe(self, record_id: str, now: datetime, due_at: datetime | None = None) -> None:
        """Note that a record owes the CRM something; one that owed already is tried at the new time."""
        entry = self.owed(record_id)
        if entry is None:
            entry = Owed(self.resource.name, record_id, now, now, creating=self._misnamed(record_id))
        self.outbox.put(record_id, entry.marked(now, due_at))

    def is_creating(self) -> bool:
        """Tell whether some create may have arrived in the CRM without our knowing its crm_id."""
        if self._is_creating is None:
            self._is_creating = outbox.is_creating(self.tx, self.resource.name)
        return self._is_creating

    def _misnamed(self, record_id: str) -> dict[str, Any] | None:
        """Return the create that was answered with another's id: what it made is looked up before it is made again."""
        record = self.records.get(record_id)
        if record is None or record.crm_id is not None:
            return None
        self._load_conflicts(record_id, None)
        about = (one for one in self.conflicts.values() if one.found.record_id == record_id and one.misnames)
        return next(({"key": one.id, "fields": one.found.local} for one in about), None)

    def open_conflicts(self, record_id: str | None, crm_id: str | None = None) -> list[Known]:
        """Return what is open about one of our records or one of the CRM's."""
        self._load_conflicts(record_id, crm_id)
        return [
            one
            for one in self.conflicts.values()
            if one.status == conflicts.OPEN
            and ((record_id is not None and one.found.record_id == record_id) or one.found.crm_id == crm_id)
        ]

    def waiting(self) -> list[Known]:
        """Return what is open about unique values that two records want, the oldest first."""
        if not self._knows_waiting:
            self._knows_waiting = True
            for known in conflicts.waiting(self.tx, self.resource.name):
                self.conflicts.setdefault(known.id, known)
        found = [one for one in self.conflicts.values() if one.status == conflicts.OPEN and one.found.field is not None]
        return sorted((one for one in found if one.found.kind == "duplicate"), key=lambda one: (one.created_at, one.id))

    def is_turned_down(self, claim: Found) -> bool:
        """Tell whether a person has said no to this claim before."""
        self._load_conflicts(claim.record_id, claim.crm_id)
        return any(one.is_turned_down and one.is_about(claim) for one in self.conflicts.values())

    def put_conflict(self, known: Known) -> None:
        self.conflicts[known.id] = known
        self._changed_conflicts.add(known.id)

    def new_conflicts(self) -> list[Known]:
        """Return the conflicts that would be written."""
        return [self.conflicts[one] for one in sorted(self._changed_conflicts)]

    def parked(self, crm_id: str) -> list[Parked]:
        """Return what waits for a record of the CRM and is not settled yet."""
        if crm_id not in self._parked:
            missing = {crm_id, *self.records.linked_ids()} - self._parked.keys()
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
        if pending:
            return pending[-1]
        known = self._set_at.setdefault(name, {})
        if record_id not in known:
            missing = {record_id, *self.records.present()} - known.keys()
            known |= dict.fromkeys(missing) | journal.set_at(self.tx, self.resource.name, missing, name)
        return known[record_id]

    def _load_conflicts(self, record_id: str | None, crm_id: str | None) -> None:
        about_ids, about_crm_ids = self._conflicts_of
        if (record_id is None or record_id in about_ids) and (crm_id is None or crm_id in about_crm_ids):
            return
        ids = {*self.records.present(), *([record_id] if record_id else [])} - about_ids
        crm_ids = {*self.records.linked_ids(), *([crm_id] if crm_id else [])} - about_crm_ids
        about_ids |= ids
        about_crm_ids |= crm_ids
        for known in conflicts.standing(self.tx, self.resource.name, ids, crm_ids):
            self.conflicts.setdefault(known.id, known)

    # ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────

    def flush(self, now: datetime) -> None:
        """Write everything, a statement for each table."""
        tx, resource = self.tx, self.resource
        linked = self.records.flush()
        if resource.children:
            buried = [one.record_id for one in self.journal if one.changes.get(journal.DELETED) == (False, True)]
            outbox.wake(tx, [*linked, *buried], now)
            copies = [(one, self.copies.get(one)) for one in linked]
            self.linked_anew = [one for one, copy in copies if copy is not None and copy.former]
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
