"""How a push ends: arrived, refused for good, or without an outcome; each in one transaction."""

from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import Connection

from app.core.record import Fields, Record, Snapshot, Stamp, Status
from app.core.redact import redact
from app.core.resource import Resource
from app.crm import Conflict, Rejected, Unavailable
from app.store import conflicts, crm_copies, outbox, records
from app.store.outbox import Owed
from app.sync import pull, reconcile, schedule
from app.sync.engine import Engine
from app.sync.incoming import Source
from app.sync.owing import owes

log = structlog.get_logger(__name__)
UNAVAILABLE, UNKNOWN = "unavailable", "unknown_outcome"
LONGEST_ERROR = 1000


@dataclass(frozen=True)
class Ended:
    """How a push ended, for the counts and the log. `spent` is set once, when a person should know."""

    status: Status
    record_id: str
    reason: str | None = None
    owes_more: bool = False
    spent: bool = False
    conflicts: int = 0


def arrived(
    tx: Connection, engine: Engine, owed: Owed, answer: Snapshot | None, sent: Fields | None, *,
    keep_lease: bool = False,
) -> Ended:  # fmt: skip
    """Take in what the CRM answered. `sent` is what it answers to, None when it was only asked."""
    resource = engine.registry[owed.resource]
    if answer is None:
        return _deleted(tx, engine, owed)
    source = Source("pull" if sent is None else "push", record_id=owed.record_id, answer_to=sent)
    applied = pull.apply(tx, engine, resource, answer, source)
    record = records.get(tx, resource, owed.record_id, lock=True)
    assert record is not None
    if applied.outcome == "conflict":
        return Ended(record.status, record.id, conflicts=applied.conflicts)
    more = owes(resource, record, crm_copies.get(tx, resource, record.id))
    if not (more and keep_lease):
        _close(tx, engine, owed, more=more)
    _show(tx, resource, record, more=more)
    return Ended(record.status, record.id, owes_more=more, conflicts=applied.conflicts)


def _close(tx: Connection, engine: Engine, owed: Owed, *, more: bool) -> None:
    """Bring the outbox in line with an answer, unless another push has taken over: then that one's end will."""
    entry = outbox.get(tx, owed.resource, owed.record_id, lock=True)
    if entry is None:
        if more:
            outbox.mark(tx, owed.resource, owed.record_id, engine.world.now())
    elif entry.lease == owed.lease:
        if more:
            outbox.again(tx, owed, engine.world.now())
        else:
            outbox.remove(tx, owed.resource, owed.record_id)


def _show(tx: Connection, resource: Resource, record: Record, *, more: bool) -> None:
    """Let the status say that the CRM has answered."""
    before = (record.status, record.error)
    record.status, record.error = ("pending" if more else "synced"), None
    if conflicts.count_open(tx, resource.name, record.id):
        record.status = "conflict"
    if before != (record.status, record.error):
        records.save(tx, resource, record)


def _deleted(tx: Connection, engine: Engine, owed: Owed) -> Ended:
    resource = engine.registry[owed.resource]
    record = records.get(tx, resource, owed.record_id, lock=True)
    copy = crm_copies.get(tx, resource, owed.record_id)
    assert record is not None
    if copy is not None:
        copy.deleted = True
        copy.stamps = dict.fromkeys(copy.stamps, Stamp(copy.version))
        crm_copies.save(tx, resource, record.id, copy)
    outbox.remove(tx, owed.resource, owed.record_id)
    record.status, record.error = "synced", None
    records.save(tx, resource, record)
    return Ended("synced", record.id)


def rejected(tx: Connection, engine: Engine, owed: Owed, error: Rejected | Conflict, sent: Fields) -> Ended:
    """The CRM will never take this: say so on the record. A later edit is a new chance."""
    resource = engine.registry[owed.resource]
    record = records.get(tx, resource, owed.record_id, lock=True)
    assert record is not None
    if not outbox.holds(tx, owed):
        return Ended(record.status, record.id, error.message)
    if _now_owed(tx, resource, record) != sent:  # edited while the push was out
        outbox.again(tx, owed, engine.world.now())
        return Ended("pending", record.id, error.message, owes_more=True)
    outbox.remove(tx, owed.resource, owed.record_id)
    _fail(tx, engine, record, error.message, "failed")
    return Ended("failed", record.id, error.message)


def _now_owed(tx: Connection, resource: Resource, record: Record) -> Fields:
    """Return the fields that a push would send now; a delete sends none."""
    if record.deleted_at is not None:
        return {}
    copy = crm_copies.get(tx, resource, record.id)
    if copy is None:
        return {name: record.fields[name] for name in resource.pushed_fields}
    return reconcile.owed(resource.pushed_fields, record.fields, copy)


def unavailable(tx: Connection, engine: Engine, owed: Owed, error: Unavailable, *, forget: bool) -> Ended:
    """There was no outcome: plan the next try, and after a day of them say that a person should look."""
    world = engine.world
    now = world.now()
    resource = engine.registry[owed.resource]
    record = records.get(tx, resource, owed.record_id, lock=True)
    assert record is not None
    wait = schedule.pause(owed.rounds, world.random, error.retry_after)
    spent = schedule.is_spent(owed.owed_since, now, engine.give_up_after)
    if spent:
        wait = max(wait, schedule.REDRIVE)
    reason = UNAVAILABLE if forget else UNKNOWN
    if not outbox.postpone(tx, owed, now + wait, reason, forget=forget):
        return Ended(record.status, record.id, error.message)  # settled, or taken over, while this push was out
    first_time = spent and owed.notified_at is None
    if first_time:
        outbox.notified(tx, owed, now)
    status: Status = "failed" if spent else "pending"
    _fail(tx, engine, record, error.message, status)
    return Ended(status, record.id, error.message, spent=first_time)


def _fail(tx: Connection, engine: Engine, record: Record, reason: str, status: Status) -> None:
    if (record.status, record.error) == (status, reason):
        return
    record.status, record.error = status, reason[:LONGEST_ERROR]
    records.save(tx, engine.registry[record.resource], record)


def tell(engine: Engine, about: dict[str, Any], ended: Ended) -> None:
    """Log how a push ended, once, at the level at which somebody should look."""
    engine.count("pushes", resource=about["resource"], outcome=ended.status)
    reason = None if ended.reason is None else redact(ended.reason)
    if ended.spent:
        log.error("push_given_up", reason=reason, **about)
        engine.on_spent(about["resource"], ended.record_id, reason or "")
    elif ended.status == "failed":
        log.error("push_failed", reason=reason, **about)
    elif ended.reason is not None:
        log.warning("push_postponed", reason=reason, **about)
    else:
        log.info("push_done", status=ended.status, **about)
