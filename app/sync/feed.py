"""The pull: read what changed in the CRM since the cursor, page by page, each page in one transaction."""

from dataclasses import dataclass, field

import structlog
from sqlalchemy import Connection

from app.core.db import reading, transact
from app.core.record import Record, Snapshot
from app.core.resource import Resource
from app.crm import NotThere
from app.crm.dialect import Page
from app.store import crm_copies, inbox, records, runs
from app.sync import pull
from app.sync.engine import Engine
from app.sync.incoming import Applied, Source

log = structlog.get_logger(__name__)
PAGE = 1000
"""Records asked for at once: the most that a CRM of this dialect gives."""


@dataclass
class Counts:
    """What a run did. `pulled` counts records that changed here, `pushed` those that the CRM took."""

    pushed: int = 0
    pulled: int = 0
    failed: int = 0
    conflicts: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    skipped: int = 0
    seen: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    def note(self, applied: Applied) -> None:
        self.conflicts += applied.conflicts
        if applied.outcome == "applied":
            self.pulled += 1
            setattr(self, applied.kind, getattr(self, applied.kind) + 1)
        elif applied.outcome in {"invalid", "conflict"}:
            self.skipped += 1

    def failure(self, kind: str) -> None:
        self.failed += 1
        self.errors[kind] = self.errors.get(kind, 0) + 1


def since_cursor(engine: Engine, resource: Resource, run_id: str, counts: Counts) -> None:
    """Pull one resource to the end of its feed. Raises Unavailable; what was applied until then stays."""
    with reading() as connection:
        cursor, _ = runs.cursor(connection, resource.name)
    try:
        page = engine.crm.list_changed(resource.crm_path, cursor, PAGE)
    except NotThere:
        _one_by_one(engine, resource, run_id, counts)
        return
    while True:
        _take_page(engine, resource, page, run_id, counts)
        if not page.has_more or page.cursor is None or page.cursor == cursor:
            break
        cursor = page.cursor
        page = engine.crm.list_changed(resource.crm_path, cursor, PAGE)
    # The next pull reads the last page again: a CRM that lists a change late puts it there.
    transact(lambda tx: runs.save_cursor(tx, resource.name, cursor, engine.world.now()))


def _take_page(engine: Engine, resource: Resource, page: Page, run_id: str, counts: Counts) -> None:
    if page.unreadable:
        log.warning("page_entries_without_id", resource=resource.name, count=page.unreadable)
    counts.seen += len(page.items)
    counts.skipped += page.unreadable
    news = _only_news(resource, page.items)
    if not news:
        return
    for applied in transact(lambda tx: _apply_all(tx, engine, resource, news, run_id, page.cursor)):
        counts.note(applied)


def _only_news(resource: Resource, items: list[Snapshot]) -> list[Snapshot]:
    """Leave out what we know at this version or a newer one, with one query for the page."""
    with reading() as connection:
        known = crm_copies.versions(connection, resource, [item.crm_id for item in items])
    return [item for item in items if not _is_known(item, known.get(item.crm_id))]


def _is_known(item: Snapshot, known: tuple[int | None, bool] | None) -> bool:
    version, deleted = known or (None, False)
    if version is None or item.stamp.version is None:
        return deleted
    return deleted or (version >= item.stamp.version and not item.deleted)


def _apply_all(
    tx: Connection, engine: Engine, resource: Resource, items: list[Snapshot], run_id: str, cursor: str | None
) -> list[Applied]:
    source = Source("pull", run_id)
    done = []
    for item in items:
        applied = pull.apply(tx, engine, resource, item, source)
        if applied.outcome == "ask":
            ask_later(tx, engine, resource, item.crm_id)
        done.append(applied)
    if cursor is not None:
        runs.save_cursor(tx, resource.name, cursor, engine.world.now())
    return done


def ask_later(tx: Connection, engine: Engine, resource: Resource, crm_id: str) -> None:
    """Note that only the CRM can say what is true of a record; the worker asks."""
    now = engine.world.now()
    identity = f"ask-{engine.world.new_id()}"
    if not any(one.body is None for one in inbox.parked_for(tx, resource.name, crm_id)):
        inbox.remember(tx, identity, resource.name, crm_id, now)
        inbox.park(tx, identity, None, now)


def _one_by_one(engine: Engine, resource: Resource, run_id: str, counts: Counts) -> None:
    """Ask for each record that we know: the CRM has no change feed."""
    after = ""
    while True:
        with reading() as connection:
            batch = records.linked(connection, resource, after, engine.batch_size)
        if not batch:
            break
        for record in batch:
            counts.seen += 1
            counts.note(one(engine, resource, record, run_id))
        after = batch[-1].id
    transact(lambda tx: runs.save_cursor(tx, resource.name, None, engine.world.now()))


def one(engine: Engine, resource: Resource, record: Record, run_id: str | None = None) -> Applied:
    """Fetch one record and take it in; one that the CRM no longer has was deleted there."""
    assert record.crm_id is not None
    return fetch(engine, resource, record.crm_id, run_id)


def fetch(
    engine: Engine, resource: Resource, crm_id: str, run_id: str | None = None, deadline: float | None = None
) -> Applied:
    """Ask the CRM for a record and take in what it says. Raises Unavailable."""
    try:
        snapshot = engine.crm.get(resource.crm_path, crm_id, deadline=deadline)
    except NotThere:
        snapshot = Snapshot(crm_id, {}, deleted=True)
    return transact(lambda tx: pull.apply(tx, engine, resource, snapshot, Source("pull", run_id)))
