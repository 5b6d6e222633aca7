"""What a run would write on each side: the engine itself, in units of work that are never written."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from app.core.db import reading
from app.core.record import Record, Snapshot
from app.core.resource import Resource
from app.crm import NotThere
from app.store import conflicts, inbox, outbox, records, runs
from app.store.work import Work
from app.sync import deletions, delivery, feed, pull
from app.sync.counts import Counts
from app.sync.engine import Engine
from app.sync.foreseen import is_due, owed_by_touched, telling, writes_of
from app.sync.incoming import Source
from app.sync.part import Part

AT_ONCE = 10_000
PAGE = 500


@dataclass
class Plan:
    """The writes on each side, counted whole and listed up to `limit`; and what waits instead."""

    limit: int
    writes: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, dict[str, int]] = field(
        default_factory=lambda: {side: dict.fromkeys(("create", "update", "delete"), 0) for side in ("here", "crm")}
    )
    waits: dict[str, Any] = field(
        default_factory=lambda: {"conflicts": 0, "not_due": 0, "parked": 0, "needs_approval": []}
    )
    calls: int = 0

    @property
    def would_change(self) -> bool:
        return any(count for side in self.summary.values() for count in side.values())

    def add(self, write: dict[str, Any]) -> None:
        self.summary[write["side"]][write["action"]] += 1
        if len(self.writes) < self.limit:
            self.writes.append(write)


def make(engine: Engine, resource: Resource, direction: str, plan: Plan) -> None:
    """Add to a plan what a run would do with one resource. Raises Unavailable and Rejected."""
    seen: set[str] = set()
    if direction != "push":
        _pull(engine, resource, plan, seen if direction != "pull" else None)
    if direction != "pull":
        _push(engine, resource, plan, seen)
    with reading() as connection:
        plan.waits["conflicts"] += conflicts.count_open(connection, resource.name)
        plan.waits["parked"] += inbox.count_parked(connection, resource.name)[0]


def _pull(engine: Engine, resource: Resource, plan: Plan, seen: set[str] | None) -> None:
    held: dict[str, dict[str, Any]] = {}
    linked = 0
    for pages, is_last in _together(_pages(engine, resource, plan)):
        with reading() as connection:
            work = Work(connection, resource, locking=False)
            for page in pages:  # one after the other: a merge finds what an earlier page has brought
                feed.apply_all(work, engine, page, None, Counts())
            held |= work.held
            linked += _newly_linked(work)
            if is_last:  # in the same unit of work: what was deleted may have been linked only just now
                _deletions(work, engine, plan, held, linked)
            _add(work, engine, plan, seen)


def _together(pages: Iterator[list[Snapshot]]) -> Iterator[tuple[list[list[Snapshot]], bool]]:
    """Put pages together: one may take what another gives up, and a unit of work that is not written forgets."""
    several: list[list[Snapshot]] = []
    for page in pages:
        several.append(page)
        if sum(map(len, several)) >= AT_ONCE:
            yield several, False
            several = []
    yield several, True


def _newly_linked(work: Work) -> int:
    """Return how many more records would have a counterpart in the CRM."""
    changed = work.records.changed()
    before = records.find(work.tx, work.resource, ids=changed) if changed else []
    return sum(map(_is_linked, changed.values())) - sum(map(_is_linked, before))


def _is_linked(record: Record) -> bool:
    return record.crm_id is not None and record.deleted_at is None


def _pages(engine: Engine, resource: Resource, plan: Plan) -> Iterator[list[Snapshot]]:
    """Return what the CRM has new, page by page, from where the next pull begins."""
    with reading() as connection:
        cursor, _ = runs.cursor(connection, resource.name)
    try:
        for _, page in feed.pages(engine, resource, cursor):
            plan.calls += 1
            yield feed.only_news(resource, page.items)
    except NotThere:
        plan.calls += 1
        for items, refused in feed.one_by_one(engine, resource, engine.batch_size):
            plan.calls += len(items) + refused
            yield items


def _deletions(work: Work, engine: Engine, plan: Plan, held: dict[str, dict[str, Any]], more: int) -> None:
    """Add the deletions, or that a person has to approve them; `more` records are linked by what came before."""
    resource = work.resource
    held |= {one.crm_id: one.body for one in inbox.held(work.tx, resource.name, inbox.ALL) if one.body is not None}
    linked = records.count_linked(work.tx, resource) + more if len(held) > deletions.ALWAYS else 0
    work.load(crm_ids=held)
    snapshots = [delivery.to_snapshot(body) for body in held.values()]
    if len(held) > deletions.allowed(linked):
        plan.waits["needs_approval"].append({"resource": resource.name, "deletions": len(held), "linked": linked})
        for snapshot in snapshots:
            deletions.ask_a_person(Part(engine, "", resource), work, snapshot)
    else:
        for snapshot in snapshots:
            pull.apply(work, engine, snapshot, Source("pull"))


def _add(work: Work, engine: Engine, plan: Plan, seen: set[str] | None) -> None:
    plan.waits["conflicts"] += _newly_open(work)
    for write in writes_of(work, engine):
        if write["side"] == "here" or seen is not None:
            plan.add(write)
    if seen is not None:
        owed = owed_by_touched(work)
        plan.waits["not_due"] += sum(not is_due(engine, entry) for entry in owed.values())
        seen.update(owed, work.outbox.touched())


def _newly_open(work: Work) -> int:
    """Return how many more conflicts would be open."""
    changed = work.new_conflicts()
    known = {"id": [one.id for one in changed], "status": conflicts.OPEN}
    return sum(one.status == conflicts.OPEN for one in changed) - conflicts.count(work.tx, known)


def _push(engine: Engine, resource: Resource, plan: Plan, seen: set[str]) -> None:
    after = ""
    while True:
        with reading() as connection:
            entries = outbox.of_resource(connection, resource.name, after, PAGE)
            work = Work(connection, resource, locking=False)
            work.load(ids=[entry.record_id for entry in entries])
            for entry in entries:
                if entry.record_id in seen:
                    continue
                if not is_due(engine, entry):
                    plan.waits["not_due"] += 1
                    continue
                for write in telling(work, entry.record_id, entry):
                    plan.add(write)
        if not entries:
            return
        after = entries[-1].record_id
