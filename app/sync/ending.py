"""How a push ends: arrived, refused for good, or without an outcome."""

from dataclasses import dataclass, replace
from typing import Any

import structlog

from app.core.record import CrmCopy, Fields, Record, Snapshot, Stamp, Status, same
from app.core.redact import redact
from app.crm import Conflict, NotAsked, Rejected, Unavailable
from app.store.outbox import Owed
from app.store.work import Work
from app.sync import pull, reconcile, schedule, tombstone
from app.sync.engine import Engine
from app.sync.incoming import Kind, Source
from app.sync.owing import owes, said_in_step

log = structlog.get_logger(__name__)
UNAVAILABLE, UNKNOWN = "unavailable", "unknown_outcome"
LONGEST_ERROR = 1000
IN_VAIN = "The CRM says yes, and what it shows is older than what it said before."
"""To say it again at once would be to say it without end."""
REFUSED = "refused"
"""Noted with a create that may have arrived before, when it is sent again and refused."""


@dataclass(frozen=True)
class Ended:
    """How a push ended, for the counts and the log. `spent` is set once, when a person should know."""

    status: Status
    record_id: str
    reason: str | None = None
    owes_more: bool = False
    spent: bool = False
    conflicts: int = 0
    kind: Kind = ""
    asks: bool = False
    """Whether the CRM has to be asked first what its answer means."""


def arrived(
    work: Work, engine: Engine, owed: Owed, answer: Snapshot | None, sent: Fields | None, *,
    unsaid: frozenset[str] = frozenset(), keep_lease: bool = False,
) -> Ended:  # fmt: skip
    """Take in what the CRM answered. `sent` is what it answers to, None when it was only asked.

    `unsaid` are fields of it that went out as nobody, since the CRM does not have whom they name.
    """
    if answer is None:
        return _deleted(work, engine, owed)
    source = Source("pull" if sent is None else "push", owed.run_id, owed.record_id, sent, unsaid)
    is_new = _record(work, owed).crm_id is None
    applied = pull.apply(work, engine, answer, source)
    record = _record(work, owed)
    if applied.outcome == "ask":
        work.ask(f"ask-{engine.world.new_id()}", answer.crm_id)
    if applied.outcome == "conflict":
        return Ended(record.status, record.id, conflicts=applied.conflicts)
    # It lives on in another record there, or did: what was to be found out is asked of that one.
    has_moved = answer.deleted and record.deleted_at is None and record.crm_id not in {None, answer.crm_id}
    asks_on = has_moved and bool(owed.sent)
    more = asks_on or owes(work.resource, record, work.copy(record.id))
    in_vain = more and bool(sent) and not answer.deleted and same(now_owed(work, record), sent)
    waits = applied.outcome == "ask" and answer.deleted
    if not (more and keep_lease):
        _close(work, engine, owed, more=more, asks_on=asks_on, waits=waits, in_vain=in_vain)
    _show(work, record, more=more)
    if in_vain:
        _fail(work, record, IN_VAIN, "pending")
        return Ended(record.status, record.id, IN_VAIN, conflicts=applied.conflicts)
    changed_nothing = sent is None or answer.deleted
    kind: Kind = "created" if is_new else "" if changed_nothing else "updated"
    asks = applied.outcome == "ask"
    return Ended(record.status, record.id, owes_more=more, conflicts=applied.conflicts, kind=kind, asks=asks)


def _record(work: Work, owed: Owed) -> Record:
    record = work.record(owed.record_id)
    assert record is not None
    return record


def _holds(work: Work, owed: Owed) -> bool:
    """Tell whether an entry is still ours: it may have been settled, or taken over when our lease ran out."""
    entry = work.owed(owed.record_id)
    return entry is not None and entry.lease == owed.lease


def _close(
    work: Work, engine: Engine, owed: Owed, *, more: bool, asks_on: bool, waits: bool, in_vain: bool
) -> None:  # fmt: skip
    """Bring the outbox in line with an answer, unless another push has taken over: then that one's end will."""
    entry, now = work.owed(owed.record_id), engine.world.now()
    if entry is None:
        if more:
            work.owe(owed.record_id, now)
    elif entry.lease == owed.lease:
        if more and waits:  # until it is known whose the record is that it lives on in
            due_at = now + schedule.pause(entry.rounds, engine.world.random)
            work.outbox.put(owed.record_id, entry.postponed(due_at, UNAVAILABLE, forget=owed))
        elif asks_on:
            work.outbox.put(owed.record_id, replace(entry, due_at=now, lease=None, lease_until=None))
        elif in_vain:
            due_at = now + schedule.pause(entry.rounds, engine.world.random)
            work.outbox.put(owed.record_id, replace(entry.again(now), due_at=due_at, rounds=entry.rounds + 1))
        elif more:
            work.outbox.put(owed.record_id, entry.again(now))
        else:
            work.outbox.remove(owed.record_id)


def _show(work: Work, record: Record, *, more: bool) -> None:
    """Let the status say that the CRM has answered."""
    before = (record.status, record.error)
    record.status, record.error = ("pending" if more else "synced"), said_in_step(record, work.copy(record.id))
    if work.open_conflicts(record.id):
        record.status = "conflict"
    if before != (record.status, record.error):
        work.save(record)


def _deleted(work: Work, engine: Engine, owed: Owed) -> Ended:
    record, copy = _record(work, owed), work.copy(owed.record_id)
    now = engine.world.now()
    if copy is not None:
        tombstone.note_deleted(work, record, copy, now, owed.run_id)
    if record.deleted_at is None and copy is not None:  # restored while its deletion was on the way
        tombstone.forget_link(work, record, copy)
        work.outbox.put(record.id, Owed(work.resource.name, record.id, owed.owed_since, now))
        record.status = "pending"
        work.save(record)
        return Ended("pending", record.id, owes_more=True, kind="deleted")
    if copy is not None:
        copy.deleted = True
        copy.stamps = dict.fromkeys(copy.stamps, _newest(copy))
        work.copies.put(record.id, copy)
    work.outbox.remove(record.id)
    record.status, record.error = "synced", None
    work.save(record)
    return Ended("synced", record.id, kind="deleted")


def _newest(copy: CrmCopy) -> Stamp:
    """Return when the newest of a copy became true: a delete was of all of it, and older news are old from then on."""
    times = [stamp.at for stamp in copy.stamps.values() if stamp.at is not None]
    return Stamp(copy.version, max(times, default=None))


def rejected(work: Work, engine: Engine, owed: Owed, error: Rejected | Conflict, sent: Fields) -> Ended:
    """The CRM will never take this: say so on the record. A later edit is a new chance."""
    record = _record(work, owed)
    entry = work.owed(record.id)
    if entry is None or not _holds(work, owed):
        return Ended(record.status, record.id, error.message)
    if owed.creating is not None and REFUSED not in owed.creating:
        return _unsure_still(work, engine, entry, error)
    is_restored = not sent and record.deleted_at is None  # it was a delete
    if is_restored or not same(now_owed(work, record), sent):  # edited while the push was out
        work.outbox.put(record.id, entry.again(engine.world.now()))
        return Ended("pending", record.id, error.message, owes_more=True)
    work.outbox.remove(record.id)
    _fail(work, record, error.message, "failed")
    return Ended("failed", record.id, error.message)


def _unsure_still(work: Work, engine: Engine, entry: Owed, error: Rejected | Conflict) -> Ended:
    """Ask once more: an earlier create may have arrived all the same, in a CRM that is slow to find what it has."""
    record, world = _record(work, entry), engine.world
    later = entry.postponed(world.now() + schedule.pause(entry.rounds, world.random), UNKNOWN)
    work.outbox.put(record.id, replace(later, creating={**(entry.creating or {}), REFUSED: True}))
    _fail(work, record, error.message, "pending")
    return Ended("pending", record.id, error.message)


def now_owed(work: Work, record: Record) -> Fields:
    """Return the fields that a push would send now; a delete sends none."""
    if record.deleted_at is not None:
        return {}
    copy = work.copy(record.id)
    if copy is None:
        return {name: record.fields[name] for name in work.resource.pushed_fields}
    return reconcile.owed(work.resource.pushed_fields, record.fields, copy)


def unavailable(work: Work, engine: Engine, owed: Owed, error: Unavailable, *, forget: bool) -> Ended:
    """There was no outcome: plan the next try, and after a day of them say that a person should look."""
    world = engine.world
    now, record = world.now(), _record(work, owed)
    entry = work.owed(record.id)
    if entry is None or not _holds(work, owed):
        return Ended(record.status, record.id, error.message)  # settled, or taken over, while this push was out
    wait = schedule.pause(owed.rounds, world.random, error.retry_after)
    spent = schedule.is_spent(owed.owed_since, now, engine.give_up_after)
    if spent:
        wait = max(wait, schedule.REDRIVE)
    first_time = spent and owed.notified_at is None
    later = entry.postponed(now + wait, UNAVAILABLE if forget else UNKNOWN, forget=owed if forget else None)
    work.outbox.put(record.id, replace(later, notified_at=now) if first_time else later)
    status: Status = "failed" if spent else "pending"
    # That we did not even ask is no news: what the CRM said last is what a person needs to know.
    reason = record.error if isinstance(error, NotAsked) and record.error else error.message
    _fail(work, record, reason, status)
    return Ended(status, record.id, reason, spent=first_time)


def given_back(work: Work, engine: Engine, owed: Owed) -> Ended:
    """A push whose lease ran out before its call was made. Nothing was tried, so nothing has failed."""
    world, record = engine.world, _record(work, owed)
    entry = work.owed(record.id)
    if entry is not None and _holds(work, owed):
        due_at = world.now() + schedule.pause(owed.rounds, world.random)
        work.outbox.put(record.id, entry.postponed(due_at, UNAVAILABLE, forget=owed))
    return Ended(record.status, record.id, "It was held for too long to be pushed.")


def _fail(work: Work, record: Record, reason: str, status: Status) -> None:
    if (record.status, record.error) == (status, reason):
        return
    record.status, record.error = status, reason[:LONGEST_ERROR]
    work.save(record)


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
