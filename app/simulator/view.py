"""What a history came to: both sides at rest, read once for all invariants."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from app.core.db import reading
from app.core.record import CrmCopy, Record
from app.core.resource import Resource
from app.simulator.ledger import ALL
from app.store import conflicts, crm_copies, journal, records

if TYPE_CHECKING:
    from app.simulator.stage import Stage

Entries = list[dict[str, Any]]
NEWS = frozenset({"pull", "webhook", "push"})
"""What the CRM says, by whichever way."""


@dataclass
class View:
    """One resource and its counterparts in the CRM, as they are when nothing moves any more."""

    stage: "Stage"

    @property
    def resource(self) -> Resource:
        return self.stage.resource

    @cached_property
    def everybody(self) -> list[Record]:
        """Every record there ever was, tombstones too."""
        with reading() as connection:
            seen = {record.id for record in records.live(connection, self.resource, "", ALL)}
            seen.update(self.stage.ledger.seen())
            # One that came and went within a step was seen by nobody.
            crm_ids = list(self.stage.crm.rows) or [""]
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
        return {copy.crm_id for copy in copies if copy.deleted} | {
            one["crm_id"] for one in self.conflicts if one["kind"] != "field"
        }

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
        rows = self.stage.crm.rows.values()
        return linked | {row.crm_id for row in rows if row.external_id == record.id}
