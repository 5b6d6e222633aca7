"""Healing what nothing explains, through the engine: forget what was believed, hear the CRM anew, push what differs."""

from app.core.record import Record
from app.store.work import Work
from app.sync import deletions, feed, pull, verify
from app.sync.counts import Counts
from app.sync.engine import Engine
from app.sync.incoming import Source
from app.sync.part import Part
from app.sync.unit import within
from app.sync.verify import Difference, Verified


def heal(part: Part) -> None:
    """Compare both sides of a resource and heal each unexplained difference. Raises Unavailable and Rejected."""
    found = Verified()
    verify.compare(part.engine, part.resource, found)
    for suspect in found.suspects:
        _heal(part, suspect)
    deletions.decide(part)


def _heal(part: Part, suspect: Difference) -> None:
    engine, resource, crm_id = part.engine, part.resource, suspect["crm_id"]
    snapshot = None if crm_id is None else feed.ask(engine, resource, crm_id)

    def work_through(work: Work) -> Counts:
        counts = Counts(seen=1)
        record = None if suspect["record_id"] is None else work.record(suspect["record_id"])
        if record is not None:
            _forget(work, engine, record)
        if snapshot is not None and not deletions.hold(work, engine, snapshot):
            counts.taken(pull.apply(work, engine, snapshot, Source("pull", part.run_id)))
        part.note(work.tx, counts)
        return counts

    part.done(within(engine, resource, work_through))


def _forget(work: Work, engine: Engine, record: Record) -> None:
    """Believe nothing of what the CRM told us but the values, and owe it what it surely has not heard."""
    copy = work.copy(record.id)
    if copy is not None:
        copy.stamps, copy.version = {}, None if copy.version is None else 0
        work.copies.put(record.id, copy)
    if record.deleted_at is not None or record.crm_id is None:
        work.owe(record.id, engine.world.now())
        record.status = "pending"
        work.save(record)
