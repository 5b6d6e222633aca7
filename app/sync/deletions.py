"""Deletions that a pull brings: done when the pull has come to its end, and only by a person when they are too many."""

import structlog

from app.core.db import reading
from app.core.kinds import format_time
from app.core.record import CrmCopy, Record, Snapshot
from app.store import conflicts, inbox, records
from app.store.conflicts import Found
from app.store.inbox import Parked
from app.store.work import Work
from app.sync import delivery, pull
from app.sync.counts import Counts
from app.sync.engine import Engine
from app.sync.incoming import Incoming, Source
from app.sync.part import Part
from app.sync.unit import within

log = structlog.get_logger(__name__)
ALWAYS = 10
SHARE = 10
"""A pull may delete this many records, or one of this many, without being asked."""
AT_ONCE = 500
ASKED = {"kind": "deleted", "policy": "manual"}
NOTE = "Deleted in the CRM, together with many others: a person decides."


def allowed(linked: int) -> int:
    """Return how many of `linked` records one pull may delete without a person."""
    return max(ALWAYS, linked // SHARE)


def hold(work: Work, engine: Engine, item: Snapshot) -> bool:
    """Keep back a deletion that would make a tombstone here; tell whether it was one."""
    if not item.deleted or not engine.sync_deleted:
        return False
    record = work.linked(item.crm_id)
    if record is None or record.deleted_at is not None:
        return False
    if item.merged_into is not None and work.linked(item.merged_into) is None:
        return False  # it lives on in another one, and the link moves there
    if any(known.found.kind == "deleted" for known in work.open_conflicts(record.id)):
        return False  # a person is being asked about it already
    work.held[item.crm_id] = delivery.of_deletion(item)
    return True


def decide(part: Part) -> None:
    """Do what was held back, or leave it to a person."""
    with reading() as connection:
        count = inbox.count_held(connection, part.resource.name)
        # With those that this run has put to a person already: it may have been cut off while it did.
        count += conflicts.count(connection, {"run_id": part.run_id, "resource": part.resource.name, **ASKED})
        linked = records.count_linked(connection, part.resource) if count > ALWAYS else 0
    too_many = count > allowed(linked)
    if too_many:
        text = f"{count} of {linked} {part.resource.name} would be deleted; a person has to approve or refuse."
        part.needs_approval = text
        log.error("needs_approval", run=part.run_id, resource=part.resource.name, deletions=count, linked=linked)
    while True:
        with reading() as connection:
            held = inbox.held(connection, part.resource.name, AT_ONCE)
        if not held:
            return
        _settle(part, held, too_many=too_many)


def _settle(part: Part, held: list[Parked], *, too_many: bool) -> None:
    def work_through(work: Work) -> Counts:
        counts = Counts()
        for one in held:
            assert one.body is not None
            snapshot = delivery.to_snapshot(one.body)
            if too_many:
                counts.conflicts += ask_a_person(part, work, snapshot)
                work.settled[one.id] = "conflict"
            else:
                applied = pull.apply(work, part.engine, snapshot, Source("pull", part.run_id))
                work.settled[one.id] = applied.outcome
                if applied.outcome == "ask":
                    work.ask(f"ask-{part.engine.world.new_id()}", one.crm_id)
                counts.taken(applied)
        part.note(work.tx, counts)
        return counts

    crm_ids = [one.crm_id for one in held]
    part.done(within(part.engine, part.resource, work_through, crm_ids=crm_ids))


def ask_a_person(part: Part, work: Work, snapshot: Snapshot) -> int:
    """Let a record wait with all its fields until somebody has said what becomes of it."""
    record = work.linked(snapshot.crm_id)
    if record is None or record.deleted_at is not None:
        return 0
    this = Incoming(work, part.engine, snapshot, Source("pull", part.run_id))
    told = {"deleted": True, "version": snapshot.stamp.version, "at": format_time(snapshot.stamp.at)}
    told |= {} if snapshot.merged_into is None else {"merged_into": snapshot.merged_into}
    found = Found("deleted", snapshot.crm_id, record.id, crm=told, policy="manual", note=NOTE)
    new = this.report(found)
    _hold_all(work, record)
    return int(new)


def _hold_all(work: Work, record: Record) -> None:
    copy = work.copy(record.id) or CrmCopy(record.crm_id or "")
    copy.held = list(work.resource.pushed_fields)
    work.copies.put(record.id, copy)
    record.status = "conflict"
    work.save(record)
