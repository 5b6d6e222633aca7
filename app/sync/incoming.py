"""One thing the CRM said, on its way in: the values that the steps of a pull hand on to each other."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

import structlog

from app.core.record import CrmCopy, Fields, Origin, Record, Snapshot, same
from app.core.resource import Resource
from app.store import conflicts
from app.store.conflicts import Found, storable
from app.store.work import Work
from app.sync import policy
from app.sync.delivery import FUTURE
from app.sync.engine import Engine
from app.sync.policy import Winner

log = structlog.get_logger(__name__)
Outcome = Literal["applied", "unchanged", "stale", "unknown", "gone", "ask", "conflict", "invalid"]
Kind = Literal["created", "updated", "deleted", ""]


@dataclass
class Applied:
    """What became of a snapshot.

    `unknown` knows no record, `gone` is deleted and never was one here, `ask` can only be settled by asking the CRM.
    `unmentioned` are fields that the CRM no longer tells us of, by resource and name.
    """

    outcome: Outcome
    record_id: str | None = None
    fields: list[str] = field(default_factory=list)
    conflicts: int = 0
    kind: Kind = ""
    unmentioned: list[str] = field(default_factory=list)


def unmentioned(resource: Resource, snapshot: Snapshot, copy: CrmCopy) -> list[str]:
    """Return the fields that the CRM told us of before, and leaves out of a record that it shows whole.

    What was only sent has no stamp; and who has told us that a field is empty may well leave it out.
    """
    told = [name for name in resource.pushed_fields if name in copy.stamps and copy.fields.get(name) is not None]
    return [name for name in told if (resource.fields[name].crm or name) not in snapshot.fields]


@dataclass(frozen=True)
class Source:
    """Where a snapshot came from; `record_id`, `answer_to` and `unsaid` are known when it answers our own push."""

    origin: Origin
    run_id: str | None = None
    record_id: str | None = None
    answer_to: Fields | None = None
    unsaid: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Incoming:
    """A snapshot, the unit of work that it is taken in with, and where it came from."""

    work: Work
    engine: Engine
    snapshot: Snapshot
    source: Source

    @property
    def resource(self) -> Resource:
        return self.work.resource

    @property
    def is_whole(self) -> bool:
        """Whether the snapshot says all that we can know of the record: nothing it refers to is unknown here."""
        return self.snapshot.whole and not self.work.unknown(self.snapshot)

    @property
    def now(self) -> datetime:
        return self.engine.world.now()

    def changed_at(self, record: Record) -> datetime:
        """Return when the data changed there, as the CRM says; never in the future and never backwards."""
        return max(record.last_updated, min(self.snapshot.stamp.at or self.now, self.now))

    def policy_of(self, name: str) -> str:
        return self.engine.policies.of(self.resource, name, self.work.rules())

    def winner(self, record: Record, name: str) -> Winner | None:
        """Return who wins a conflict on a field; None when a person has to say."""
        chosen = self.policy_of(name)
        if chosen != "latest":
            return policy.winner(chosen, None, None)
        there = self.snapshot.stamp.at
        is_ahead = there is not None and there > self.now + timedelta(seconds=FUTURE)
        here = self.work.set_at(record.id, name) or record.last_updated
        return policy.winner(chosen, here, None if is_ahead else there)

    def report(self, found: Found) -> bool:
        """Write a conflict down and say so; False when it is known already."""
        for known in self.work.open_conflicts(found.record_id, found.crm_id):
            if known.is_about(found):
                if found.resolution is None and same(known.found.crm, storable(found.crm)):
                    self._refresh(known, found)
                    return False
                self.work.put_conflict(known.resolved(found.resolution or "superseded", "merge", self.now))
        identity = self.engine.world.new_id()
        self.work.put_conflict(conflicts.begin(self.resource.name, identity, found, self.now, self.source.run_id))
        self._tell(found)
        return True

    def _refresh(self, known: conflicts.Known, found: Found) -> None:
        """Let an open conflict show what the record holds by now."""
        if not same(known.found.local, found.local):
            self.work.put_conflict(replace(known, found=replace(known.found, local=found.local)))

    def _tell(self, found: Found) -> None:
        if not self.work.locking:
            return  # a plan: nothing has happened
        log.warning(
            "conflict",
            resource=self.resource.name,
            record=found.record_id,
            crm_id=found.crm_id,
            kind=found.kind,
            field=found.field,
            policy=found.policy,
            resolution=found.resolution or "a person decides",
        )
        self.engine.count("conflicts", resource=self.resource.name, kind=found.kind)
