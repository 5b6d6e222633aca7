"""Healing what nothing explains, through the engine: forget what was believed, hear the CRM anew, push what differs."""

from app.core.record import Record, Snapshot
from app.crm import Rejected
from app.store.work import Work
from app.sync import deletions, feed, pull, verify
from app.sync.counts import Counts
from app.sync.differences import Difference
from app.sync.engine import Engine
from app.sync.incoming import Source
from app.sync.part import Part
from app.sync.reconcile import known_no_more
from app.sync.unit import within
from app.sync.verify import Verified


def heal(part: Part) -> None:
    """Compare both sides of a resource and heal each unexplained difference. Raises Unavailable and Rejected."""
    found = Verified()
    verify.compare(part.engine, part.resource, found, part.stay_alive)
    for suspect in found.suspects:
        try:
            _heal(part, suspect)
        except Rejected:  # the CRM does not show it: the comparison has said so, and says so again
            counts = Counts()
            counts.failure("rejected")
            part.count(counts)
    deletions.decide(part)


def _heal(part: Part, suspect: Difference) -> None:
    engine, resource = part.engine, part.resource
    before = verify.state_of(resource, suspect)
    snapshot = _ask(part, suspect)

    def work_through(work: Work) -> Counts:
        counts = Counts(seen=1)
        record = None if suspect["record_id"] is None else work.record(suspect["record_id"])
        if verify.state(work, suspect["record_id"]) != before:
            counts.skipped += 1  # it moves, so somebody is at it: what we heard of it may be old by now
        else:
            _anew(work, part, record, snapshot, counts)
        part.note(work.tx, counts)
        return counts

    part.done(within(engine, resource, work_through))


def _ask(part: Part, suspect: Difference) -> Snapshot | None:
    """Ask the CRM for its record; for one that has lost its link, whether there is one that belongs to it."""
    engine, resource = part.engine, part.resource
    if suspect["crm_id"] is not None:
        return feed.ask(engine, resource, suspect["crm_id"])
    return engine.crm.find(resource.crm_path, suspect["record_id"])


def _anew(work: Work, part: Part, record: Record | None, snapshot: Snapshot | None, counts: Counts) -> None:
    if record is not None:
        _forget(work, part.engine, record)
    if snapshot is not None and not deletions.hold(work, part.engine, snapshot):
        counts.taken(pull.apply(work, part.engine, snapshot, Source("pull", part.run_id)))


def _forget(work: Work, engine: Engine, record: Record) -> None:
    """Believe nothing of what the CRM told us but the values, and owe it what it surely has not heard."""
    copy = work.copy(record.id)
    if copy is not None:
        copy.stamps, copy.version = {}, known_no_more(copy.version)
        copy.deleted = copy.deleted and (record.deleted_at is not None or record.crm_id is None)
        work.copies.put(record.id, copy)
    if record.deleted_at is not None or record.crm_id is None:
        work.owe(record.id, engine.world.now())
        record.status = "pending"
        work.save(record)
    elif record.status == "pending" and work.owed(record.id) is None:
        record.status = "synced"  # what it owes is found out from what the CRM says
        work.save(record)
