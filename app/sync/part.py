"""One resource's part of a run: its counts, and the sign of life that goes with each page and batch."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from math import inf

from sqlalchemy import Connection

from app.core.db import transact
from app.core.resource import Resource
from app.store import runs
from app.sync.counts import Counts
from app.sync.engine import Engine

ALIVE_FOR = timedelta(minutes=2)
"""How long a run may be silent before it counts as dead; above the longest call."""
SAY_EVERY = ALIVE_FOR.total_seconds() / 8


def lease_of(resource: str) -> str:
    return f"run:{resource}"


@dataclass
class Part:
    """Counts of one resource in a run. Whoever works on it notes, in the same transaction, what was done."""

    engine: Engine
    run_id: str
    resource: Resource
    counts: Counts = field(default_factory=Counts)
    needs_approval: str | None = None
    watch: Callable[["Part"], None] = lambda _: None
    """Told after each page and batch, for whoever shows progress."""
    expected: int | None = None
    """How many records it will have seen or pushed in the end, where that is known; only ever an estimate."""
    reads_all: bool = False
    """Whether it pulls all that the CRM has, and not just what is new."""
    noted_at: float = -inf
    """When it last said that it is alive, on the world's monotonic clock."""

    @property
    def done_so_far(self) -> int:
        """How many records it is done with: those that were seen, pushed or refused."""
        return self.counts.seen + self.counts.pushed + self.counts.errors.get("rejected", 0)

    @property
    def lease(self) -> str:
        return lease_of(self.resource.name)

    def note(self, tx: Connection, more: Counts) -> None:
        """Write down what this transaction adds to the counts, and that the run is alive."""
        now = self.engine.world.now()
        runs.save_part(tx, self.run_id, self.resource.name, self.counts.plus(more).shown())
        runs.alive(tx, self.run_id, self.lease, now + ALIVE_FOR)
        self.noted_at = self.engine.world.monotonic()

    def stay_alive(self) -> None:
        """Say that the run is at work, now and then: for work that has nothing to note."""
        if self.engine.world.monotonic() - self.noted_at >= SAY_EVERY:
            self.count(Counts())

    def count(self, more: Counts) -> None:
        """Add what was done outside a transaction of its own."""
        transact(lambda tx: self.note(tx, more))
        self.done(more)

    def done(self, more: Counts) -> None:
        """Take over counts that are written down."""
        self.counts.add(more)
        self.watch(self)
