"""What a run would write on each side: the engine itself, in units of work that are never written."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from app.core.db import reading
from app.core.resource import Resource
from app.crm import NotThere
from app.store import conflicts, inbox, journal, outbox, records, runs
from app.store.journal import Entry
from app.store.work import Work
from app.sync import deletions, delivery, feed, pull, task
from app.sync.counts import Counts
from app.sync.engine import Engine
from app.sync.incoming import Source

AT_ONCE = 500
ACTION = {"created": "create", "updated": "update", "deleted": "delete"}


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


def writes_of(work: Work, engine: Engine) -> Iterator[dict[str, Any]]:
    """Return what a unit of work would write: here, and, once it was written, in the CRM."""
    for entry in work.journal:
        record = work.record(entry.record_id)
        crm_id = None if record is None else record.crm_id
        yield _write("here", work.resource, entry.record_id, crm_id, _action(entry), entry.changes)
    now = engine.world.now()
    for record_id, owed in work.outbox.changed().items():
        if owed.due_at <= now and owed.is_free(now):
            yield from _telling(work, record_id, owed)


def _action(entry: Entry) -> str:
    if entry.version == 1:
        return "create"
    return "delete" if entry.changes.get(journal.DELETED) == (False, True) else "update"


def _pull(engine: Engine, resource: Resource, plan: Plan, seen: set[str] | None) -> None:
    held: dict[str, dict[str, Any]] = {}
    for items in _pages(engine, resource, plan):
        with reading() as connection:
            work = Work(connection, resource, locking=False)
            counts = Counts()
            feed.apply_all(work, engine, items, None, counts)
            held |= work.held
            _add(work, engine, plan, seen)
    _deletions(engine, resource, plan, held, seen)


def _pages(engine: Engine, resource: Resource, plan: Plan) -> Iterator[list[Any]]:
    """Return what the CRM has new, page by page, from where the next pull begins."""
    with reading() as connection:
        cursor, _ = runs.cursor(connection, resource.name)
    while True:
        plan.calls += 1
        try:
            page = engine.crm.list_changed(resource.crm_path, cursor, feed.PAGE)
        except NotThere:
            yield from _one_by_one(engine, resource, plan)
            return
        yield feed.only_news(resource, page.items)
        if not page.has_more or page.cursor is None or page.cursor == cursor:
            return
        cursor = page.cursor


def _one_by_one(engine: Engine, resource: Resource, plan: Plan) -> Iterator[list[Any]]:
    after = ""
    while True:
        with reading() as connection:
            batch = records.linked(connection, resource, after, engine.batch_size)
        if not batch:
            return
        plan.calls += len(batch)
        yield [feed.ask(engine, resource, one.crm_id) for one in batch if one.crm_id is not None]
        after = batch[-1].id


def _deletions(
    engine: Engine, resource: Resource, plan: Plan, held: dict[str, dict[str, Any]], seen: set[str] | None
) -> None:
    """Add the deletions, if a run would do them without asking."""
    with reading() as connection:
        held |= {
            one.crm_id: one.body for one in inbox.held(connection, resource.name, inbox.ALL) if one.body is not None
        }
        linked = records.count_linked(connection, resource) if len(held) > deletions.ALWAYS else 0
        if len(held) > deletions.allowed(linked):
            plan.waits["needs_approval"].append({"resource": resource.name, "deletions": len(held), "linked": linked})
            return
        work = Work(connection, resource, locking=False)
        work.load(crm_ids=held)
        for body in held.values():
            pull.apply(work, engine, delivery.to_snapshot(body), Source("pull"))
        _add(work, engine, plan, seen)


def _add(work: Work, engine: Engine, plan: Plan, seen: set[str] | None) -> None:
    plan.waits["conflicts"] += sum(one.status == conflicts.OPEN for one in work.new_conflicts())
    for write in writes_of(work, engine):
        if write["side"] == "here" or seen is not None:
            plan.add(write)
    if seen is not None:
        seen.update(work.outbox.touched())


def _push(engine: Engine, resource: Resource, plan: Plan, seen: set[str]) -> None:
    now, after = engine.world.now(), ""
    while True:
        with reading() as connection:
            entries = outbox.of_resource(connection, resource.name, after, AT_ONCE)
            work = Work(connection, resource, locking=False)
            work.load(ids=[entry.record_id for entry in entries])
            for entry in entries:
                if entry.record_id in seen:
                    continue
                if entry.due_at > now or not entry.is_free(now):
                    plan.waits["not_due"] += 1
                    continue
                for write in _telling(work, entry.record_id, entry):
                    plan.add(write)
        if not entries:
            return
        after = entries[-1].record_id


def _telling(work: Work, record_id: str, entry: outbox.Owed) -> Iterator[dict[str, Any]]:
    """Return the write that an entry stands for, if it is one: a question to the CRM writes nothing."""
    record, copy = work.record(record_id), work.copy(record_id)
    if record is None:
        return
    found = task.of(work.resource, entry, record, copy, lambda: "")
    if found is None or found.action == "fetch":
        return
    told = {} if copy is None else copy.fields
    fields = {name: (told.get(name), value) for name, value in found.fields.items()}
    yield _write("crm", work.resource, record_id, found.crm_id, found.action, fields)


def _write(
    side: str, resource: Resource, record_id: str, crm_id: str | None, action: str, fields: dict[str, tuple[Any, Any]]
) -> dict[str, Any]:
    return {
        "side": side,
        "resource": resource.name,
        "record_id": record_id,
        "crm_id": crm_id,
        "action": action,
        "fields": {name: {"from": old, "to": new} for name, (old, new) in fields.items()},
    }


def deletes_there(work: Work) -> Iterator[dict[str, Any]]:
    """Return the deletions in the CRM that a rollback makes by itself, not through the outbox."""
    for told in work.told:
        yield _write("crm", work.resource, told.record_id, told.crm_id, told.action, {})
