"""What people and programs ask of the sync itself: push now, run, status, conflicts, retry."""

from collections.abc import Collection
from typing import Any

from app.core.db import reading
from app.core.errors import NotFound
from app.core.record import Record
from app.core.resource import Resource
from app.crm import CRMError, Rejected
from app.store import conflicts, records, schema
from app.store.work import Work
from app.sync import feed, push, task, tombstone
from app.sync.engine import Engine
from app.sync.owing import owes
from app.sync.unit import within


def push_now(engine: Engine, record_id: str) -> None:
    """Push one record, within the time that a caller is ready to wait; what does not work is scheduled."""
    deadline = engine.world.monotonic() + engine.push_budget
    for _ in range(push.ROUNDS):
        ended = [push.push(engine, one, deadline) for one in task.named(engine, [record_id])]
        if not any(one.owes_more for one in ended):
            return


def sync_record(engine: Engine, resource: Resource, record_id: str) -> Record:
    """Push and pull one record now, also one that was given up. Raises NotFound."""
    owe_again(engine, resource, record_id)
    push_now(engine, record_id)
    record = _get(resource, record_id)
    if record.crm_id is not None and record.deleted_at is None:
        try:
            deadline = engine.world.monotonic() + engine.push_budget
            feed.fetch(engine, resource, record.crm_id, deadline=deadline)
        except CRMError:
            return _get(resource, record_id)  # the push has said on the record what is wrong
    return _get(resource, record_id)


def owe_again(engine: Engine, resource: Resource, record_id: str) -> bool:
    """Put a record that owes something back into the outbox, due now; True when it was."""

    def work_through(work: Work) -> bool:
        record, now = work.record(record_id), engine.world.now()
        if record is None:
            raise NotFound(f"There is no such {resource.singular}.")
        _link_again(work, record)
        if not owes(resource, record, work.copy(record_id)):
            return False
        work.owe(record_id, now)
        if record.status in {"failed", "synced"}:
            record.status, record.error = "pending", None
            work.save(record)
        return True

    return within(engine, resource, work_through)


def _link_again(work: Work, record: Record) -> None:
    """A record that is kept here without a counterpart gets a new one: a person asks for it."""
    copy = work.copy(record.id)
    if copy is not None and copy.deleted and record.deleted_at is None and record.crm_id is None:
        tombstone.forget_link(work, record, copy)


def retry(engine: Engine, resources: Collection[str]) -> int:
    """Put every record that the CRM refused, or that was given up, back into the outbox; return how many."""
    count = 0
    for name in resources:
        resource = engine.registry[name]
        with reading() as connection:
            stuck = records.stuck(connection, resource)
        count += sum(owe_again(engine, resource, record_id) for record_id in stuck)
    return count


def list_conflicts(filters: dict[str, Any], limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
    """Return conflicts, newest first, and how many there are in all."""
    with reading() as connection:
        return conflicts.listing(connection, filters, limit, offset), conflicts.count(connection, filters)


def subscribe(engine: Engine) -> None:
    """Ask the CRM for its webhooks. Raises CRMError."""
    if engine.webhook_url is None or engine.webhook_secret is None:
        raise Rejected("There is no WEBHOOK_SECRET to sign the webhooks with.")
    engine.crm.subscribe(engine.webhook_url, engine.webhook_secret)


def is_migrated(newest: str | None) -> bool:
    """Tell whether the database is at the version of this code."""
    with reading() as connection:
        return schema.version(connection) == newest


def _get(resource: Resource, record_id: str) -> Record:
    with reading() as connection:
        record = records.get(connection, resource, record_id)
    if record is None:
        raise NotFound(f"There is no such {resource.singular}.")
    return record
