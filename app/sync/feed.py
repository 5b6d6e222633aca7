"""The pull: read what changed in the CRM since the cursor, page by page, each page in one transaction."""

from collections.abc import Callable, Collection, Iterator

import structlog
from sqlalchemy import Connection

from app.core.db import reading, transact
from app.core.kinds import unique_key
from app.core.record import Snapshot
from app.core.resource import Resource
from app.crm import NotThere, Page, Rejected
from app.store import crm_copies, records, runs
from app.store.links import Named
from app.store.work import Work
from app.sync import deletions, pull
from app.sync.counts import Counts
from app.sync.engine import Engine
from app.sync.following import finish
from app.sync.incoming import Applied, Source
from app.sync.part import Part
from app.sync.unit import within

log = structlog.get_logger(__name__)
PAGE = 1000
"""Records asked for at once: the most that a CRM of this dialect gives."""


def since_cursor(part: Part) -> None:
    """Pull one resource to the end of its feed. Raises Unavailable; what was applied until then stays."""
    engine, resource = part.engine, part.resource
    with reading() as connection:
        cursor, _ = runs.cursor(connection, resource.name)
    part.reads_all = cursor is None
    try:
        for asked_with, page in pages(engine, resource, cursor):
            _take_page(part, page, asked_with)
            cursor = asked_with
    except NotThere:
        _one_by_one(part)
        cursor = None
    deletions.decide(part)
    transact(lambda tx: runs.save_cursor(tx, resource.name, cursor, engine.world.now()))


def pages(engine: Engine, resource: Resource, cursor: str | None) -> Iterator[tuple[str | None, Page]]:
    """Yield the pages of the feed from `cursor` on, each with the cursor that it was asked with.

    Raises NotThere when the CRM has no feed.
    """
    cursor, page = _first_page(engine, resource, cursor)
    while True:
        yield cursor, page
        if not page.has_more or page.cursor is None or page.cursor == cursor:
            return
        cursor = page.cursor
        try:
            page = engine.crm.list_changed(resource.crm_path, cursor, PAGE)
        except NotThere as error:  # it had one a moment ago
            raise Rejected(error.message, status=error.status, code=error.code) from error


def _first_page(engine: Engine, resource: Resource, cursor: str | None) -> tuple[str | None, Page]:
    try:
        return cursor, engine.crm.list_changed(resource.crm_path, cursor, PAGE)
    except NotThere:
        raise
    except Rejected as error:
        if cursor is None:
            raise
        # It was restored from a backup, or forgets old cursors. What we know is skipped, so nothing is lost or doubled.
        log.warning("cursor_refused", resource=resource.name, status=error.status)
        return None, engine.crm.list_changed(resource.crm_path, None, PAGE)


def _take_page(part: Part, page: Page, asked_with: str | None) -> None:
    if page.unreadable:
        log.warning("page_entries_without_id", resource=part.resource.name, count=page.unreadable)
    seen = Counts(seen=len(page.items), skipped=page.unreadable)
    news = only_news(part.resource, page.items)
    # The next pull reads the last page again: a CRM that lists a change late puts it there.
    begin = page.cursor if page.has_more and page.cursor is not None else asked_with
    part.done(transact(lambda tx: _take(tx, part, news, seen, begin)))


def only_news(resource: Resource, items: Collection[Snapshot]) -> list[Snapshot]:
    """Leave out what we know at this version or a newer one, with one query for the page."""
    with reading() as connection:
        known = crm_copies.versions(connection, resource, [item.crm_id for item in items])
    return [item for item in items if not _is_known(item, known.get(item.crm_id))]


def _is_known(item: Snapshot, known: tuple[int | None, bool] | None) -> bool:
    version, deleted = known or (None, False)
    if version is None or item.stamp.version is None:
        return deleted
    return (deleted and item.deleted) or (version >= item.stamp.version and (deleted or not item.deleted))


def _take(tx: Connection, part: Part, items: list[Snapshot], seen: Counts, cursor: str | None) -> Counts:
    """Take in a page: a fixed number of statements, however many records it has."""
    work, counts = Work(tx, part.resource), seen.plus(Counts())
    apply_all(work, part.engine, items, part.run_id, counts)
    finish(work, part.engine)
    if cursor is not None:
        runs.save_cursor(tx, part.resource.name, cursor)
    part.note(tx, counts)
    return counts


def apply_all(work: Work, engine: Engine, items: list[Snapshot], run_id: str | None, counts: Counts) -> None:
    """Take in what the CRM lists; deletions are held back until the list has come to its end."""
    load(work, items)
    source = Source("pull", run_id)
    # Merged ones first: the link is to move before the record that it moves to is taken for a new one.
    for item in sorted(items, key=lambda one: one.merged_into is None):
        if deletions.hold(work, engine, item):
            continue
        applied = pull.apply(work, engine, item, source)
        if applied.outcome == "ask":
            work.ask(f"ask-{engine.world.new_id()}", item.crm_id)
        counts.taken(applied)


def load(work: Work, items: Collection[Snapshot]) -> None:
    """Read in advance what the records of a page may belong to."""
    keys: dict[str, list[str]] = {}
    for name in work.resource.unique_fields:
        theirs = work.resource.fields[name].crm or name
        values = (item.fields.get(theirs) for item in items if not item.deleted)
        keys[name] = [key for value in values if isinstance(value, str) and (key := unique_key(value))]
    ids = [item.external_id for item in items if item.external_id is not None]
    crm_ids = [crm_id for item in items for crm_id in (item.crm_id, item.merged_into) if crm_id is not None]
    work.load(ids=ids, crm_ids=crm_ids, keys=keys)
    work.read_all(items)


def _one_by_one(part: Part) -> None:
    for items, refused in one_by_one(part.engine, part.resource, part.engine.batch_size, part.stay_alive):
        counts = Counts(seen=len(items))
        for _ in range(refused):
            counts.failure("rejected")
        part.done(transact(lambda tx, items=items, counts=counts: _take(tx, part, items, counts, None)))  # type: ignore[misc]


def one_by_one(
    engine: Engine, resource: Resource, size: int, watch: Callable[[], None] = lambda: None
) -> Iterator[tuple[list[Snapshot], int]]:
    """Ask for each record that we know, so many at a time: the CRM has no change feed.

    Yield what it shows, and how many it does not let us see. `watch` is told after each. Raises Unavailable, and
    Rejected when it lets us see none: that is not about one record.
    """
    after, is_shown_some = "", False
    while True:
        with reading() as connection:
            batch = records.linked(connection, resource, after, size)
        if not batch:
            return
        items = []
        for record in batch:
            try:
                items.append(ask(engine, resource, record.crm_id or ""))
            except Rejected as error:
                about = {"resource": resource.name, "record": record.id, "crm_id": record.crm_id}
                log.warning("not_shown", status=error.status, **about)
                refusal = error
            watch()
        is_shown_some = is_shown_some or bool(items)
        if not is_shown_some:
            raise refusal
        yield items, len(batch) - len(items)
        after = batch[-1].id


def ask(engine: Engine, resource: Resource, crm_id: str, deadline: float | None = None) -> Snapshot:
    """Ask the CRM for a record; one that it no longer has was deleted there. Raises Unavailable."""
    try:
        return engine.crm.get(resource.crm_path, crm_id, deadline=deadline)
    except NotThere as error:
        return Snapshot(crm_id, {}, deleted=True, merged_into=error.merged_into)


def fetch(
    engine: Engine, resource: Resource, crm_id: str, run_id: str | None = None, deadline: float | None = None
) -> Applied:
    """Ask the CRM for a record, and for what it refers to and we do not know, and take in what it says.

    Raises Unavailable.
    """
    snapshot = ask(engine, resource, crm_id, deadline)
    known: dict[Named, str | None] = {}

    def take_in(work: Work) -> tuple[Applied, list[Named]]:
        work.links.know(known)
        applied = pull.apply(work, engine, snapshot, Source("pull", run_id))
        return applied, [one for one in work.unknown(snapshot) if applied.outcome == "ask"]

    applied, unknown = within(engine, resource, take_in, crm_ids=[crm_id])
    if unknown:
        known = {one: _whom(engine, one, run_id, deadline) for one in unknown}
        applied, _ = within(engine, resource, take_in, crm_ids=[crm_id])
    return applied


def _whom(engine: Engine, named: Named, run_id: str | None, deadline: float | None) -> str | None:
    """Take in a record that another one refers to; return ours, None when there is and will be none."""
    name, crm_id = named
    if name not in engine.registry:
        return None
    applied = fetch(engine, engine.registry[name], crm_id, run_id, deadline)
    return applied.record_id if applied.outcome in {"applied", "unchanged", "stale"} else None
