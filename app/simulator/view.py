"""What a history came to: both sides at rest, read once for all invariants."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from app.core.db import reading
from app.core.record import CrmCopy, Record
from app.core.resource import Resource
from app.simulator.crm import SimulatedCrm, Write
from app.simulator.ledger import ALL, Book
from app.store import conflicts, crm_copies, journal, records
from app.sync import tombstone

if TYPE_CHECKING:
    from app.simulator.stage import Stage

Entries = list[dict[str, Any]]
NEWS = frozenset({"pull", "webhook", "push"})
"""What the CRM says, by whichever way."""


@dataclass
class View:
    """One resource and its counterparts in the CRM, as they are when nothing moves any more."""

    stage: "Stage"
    resource: Resource
    others: Mapping[str, "View"]
    """The views of all resources, this one too, by name."""

    @property
    def crm(self) -> SimulatedCrm:
        return self.stage.crm[self.resource.name]

    @property
    def book(self) -> Book:
        return self.stage.ledger.of[self.resource.name]

    @cached_property
    def writes(self) -> list[Write]:
        """Every write to the CRM, in order, in our words."""
        mine = [write for write in self.stage.crm.writes if write.resource == self.resource.name]
        return [replace(one, before=self.read(one.before), changed=self._changed(one)) for one in mine]

    def _changed(self, write: Write) -> dict[str, Any]:
        """Return what a write changed; who says anew of which resource a reference is has changed the reference."""
        after, named = self.read(write.before | write.changed), self.read(write.changed)
        also = {name for name, kind in self.resource.references.items() if kind.beside in named}
        return {name: value for name, value in after.items() if name in {*named, *also}}

    @cached_property
    def everybody(self) -> list[Record]:
        """Every record there ever was, tombstones too."""
        with reading() as connection:
            seen = {record.id for record in records.live(connection, self.resource, "", ALL)}
            seen.update(self.book.seen())
            # One that came and went within a step was seen by nobody.
            crm_ids = list(self.crm.rows) or [""]
            return records.find(connection, self.resource, ids=sorted(seen), crm_ids=crm_ids)

    @cached_property
    def live(self) -> list[Record]:
        return [record for record in self.everybody if record.deleted_at is None]

    @cached_property
    def copies(self) -> dict[str, CrmCopy]:
        with reading() as connection:
            return crm_copies.get_many(connection, self.resource, [record.id for record in self.everybody])

    @cached_property
    def conflicts(self) -> Entries:
        with reading() as connection:
            return conflicts.listing(connection, {"resource": self.resource.name}, ALL, 0)

    @cached_property
    def journals(self) -> dict[str, Entries]:
        """The journal of each record, the newest entry first."""
        name = self.resource.name
        with reading() as connection:
            return {record.id: journal.of(connection, name, record.id, ALL) for record in self.everybody}

    @cached_property
    def disputed(self) -> set[Any]:
        """Records, ours and the CRM's, that wait for a person."""
        waiting = [one for one in self.conflicts if one["status"] == "open"]
        return {one["record_id"] for one in waiting} | {one["crm_id"] for one in waiting}

    @cached_property
    def apart(self) -> set[str]:
        """CRM records that are none of ours: parted with, turned down, or never of use here."""
        by_people = [record for record in self.everybody if not self._buried_by_news(record)]
        copies = [self.copies[record.id] for record in by_people if record.id in self.copies]
        parted = {copy.crm_id for copy in copies if copy.deleted}
        return parted | {one["crm_id"] for one in self.conflicts if one["kind"] != "field"} | self._let_go()

    def _let_go(self) -> set[str]:
        """Return what was linked until a person chose the other one of two that claimed one record."""
        decided = [one for one in self.conflicts if (one["kind"], one["resolution"]) == ("duplicate", "crm")]
        found = set()
        for one in (claim for claim in decided if claim["resolved_by"] != "merge"):
            copy = self.copies.get(one["record_id"])
            linked = [] if copy is None else tombstone.links(copy)
            if one["crm_id"] in linked[1:]:
                found.add(linked[linked.index(one["crm_id"]) - 1])
        return found

    def _buried_by_news(self, record: Record) -> bool:
        """Tell whether a tombstone is one because the CRM is said to have deleted its counterpart."""
        entries = (one for one in self.journals[record.id] if one["field"] == journal.DELETED)
        last = next(entries, None)
        return record.deleted_at is not None and last is not None and last["by"] in NEWS

    def in_step(self) -> list[tuple[Record, CrmCopy]]:
        """Return the live records that should be in step: with a counterpart, and waiting for nobody."""
        pairs = [(record, self.copies.get(record.id)) for record in self.live if record.id not in self.disputed]
        return [(record, copy) for record, copy in pairs if copy is not None and not copy.deleted]

    def kept_apart(self, record: Record) -> bool:
        """Tell whether a live record has no counterpart on purpose."""
        copy = self.copies.get(record.id)
        return record.id in self.disputed or (copy is not None and copy.deleted)

    def ids_of(self, record: Record) -> set[str]:
        """Return every CRM record that this one is, or was, linked with."""
        copy = self.copies.get(record.id)
        linked = {record.crm_id or ""} | ({copy.crm_id, *copy.former} if copy else set())
        rows = self.crm.rows.values()
        return linked | {row.crm_id for row in rows if row.external_id == record.id}

    # ── in our words ─────────────────────────────────────────────────────────────────────────────────────────────

    @cached_property
    def owners(self) -> dict[str, str]:
        """Return by crm_id which of our records is, or was, linked with it; the one that is, if there are two."""
        found = {crm_id: record.id for record in self.everybody for crm_id in self.ids_of(record)}
        return found | {record.crm_id: record.id for record in self.everybody if record.crm_id}

    def read(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return our form of what a record of the CRM holds; a reference is whoever of ours it ever led to."""
        named = {one.crm: one for one in self.resource.fields.values() if one.crm}
        told = {named[one].name: named[one].from_crm(value) for one, value in fields.items() if one in named}
        return {name: self._ours(name, told) for name in told}

    def _ours(self, name: str, told: dict[str, Any]) -> Any:
        kind = self.resource.references.get(name)
        target = None if kind is None else self.others.get(kind.target(told) or "")
        if kind is None or told[name] is None:
            return told[name]
        return None if target is None else target.owners.get(told[name])
