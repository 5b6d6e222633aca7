"""One thing the CRM said, on its way in: the values that the steps of a pull hand on to each other."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

import structlog
from sqlalchemy import Connection

from app.core.record import Fields, Origin, Record, Snapshot
from app.core.resource import Resource
from app.store import conflicts
from app.store.conflicts import Found
from app.sync.engine import Engine

log = structlog.get_logger(__name__)
Outcome = Literal["applied", "unchanged", "stale", "unknown", "gone", "ask", "conflict", "invalid"]
Kind = Literal["created", "updated", "deleted", ""]


@dataclass
class Applied:
    """What became of a snapshot.

    `unknown` knows no record, `gone` is deleted and never was one here, `ask` can only be settled by asking the CRM.
    """

    outcome: Outcome
    record_id: str | None = None
    fields: list[str] = field(default_factory=list)
    conflicts: int = 0
    kind: Kind = ""


@dataclass(frozen=True)
class Source:
    """Where a snapshot came from; `record_id` and `answer_to` are known when it answers our own push."""

    origin: Origin
    run_id: str | None = None
    record_id: str | None = None
    answer_to: Fields | None = None


@dataclass(frozen=True)
class Incoming:
    """A snapshot, the transaction it is taken in with, and where it came from."""

    tx: Connection
    engine: Engine
    resource: Resource
    snapshot: Snapshot
    source: Source

    @property
    def now(self) -> datetime:
        return self.engine.world.now()

    def changed_at(self, record: Record) -> datetime:
        """Return when the data changed there, as the CRM says; never in the future and never backwards."""
        return max(record.last_updated, min(self.snapshot.stamp.at or self.now, self.now))

    def report(self, found: Found) -> bool:
        """Write a conflict down and say so; False when it is known already."""
        world = self.engine.world
        if not conflicts.add(self.tx, self.resource.name, world.new_id(), found, world.now(), self.source.run_id):
            return False
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
        return True
