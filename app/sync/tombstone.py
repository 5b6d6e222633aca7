"""Deletes that come from the CRM: deleted stays deleted, and what was lost with it is written down."""

from app.core.record import CrmCopy, Record
from app.store import crm_copies, journal, outbox, records
from app.store.conflicts import Found
from app.sync import reconcile
from app.sync.incoming import Applied, Incoming

KEPT = "Deleted in the CRM and kept here, because SYNC_DELETED is 0."


def bury(this: Incoming, record: Record, copy: CrmCopy) -> Applied:
    """Make a tombstone of a record that the CRM has deleted."""
    if _is_older(this, copy):
        return Applied("ask", record.id)
    if not this.engine.sync_deleted and record.deleted_at is None:
        return _unlink(this, record)
    copy.deleted = True
    copy.version = this.snapshot.stamp.version or copy.version
    crm_copies.save(this.tx, this.resource, record.id, copy)
    outbox.remove(this.tx, this.resource.name, record.id)
    already = record.deleted_at is not None
    lost = {} if already else reconcile.owed(this.resource.pushed_fields, record.fields, copy)
    record.crm_id, record.status, record.error = this.snapshot.crm_id, "synced", None
    if not already:
        record.deleted_at = this.changed_at(record)
        record.last_updated = record.deleted_at
        record.version += 1
        journal.add(this.tx, record, {journal.DELETED: (False, True)}, this.source.origin, this.source.run_id)
    records.save(this.tx, this.resource, record)
    found = [_lost(this, record, name, value) for name, value in lost.items()]
    count = sum(this.report(one) for one in found)
    if already:
        return Applied("unchanged", record.id)
    return Applied("applied", record.id, [journal.DELETED], count, "deleted")


def _is_older(this: Incoming, copy: CrmCopy) -> bool:
    """A delete from before what we know may have been undone since; only the CRM can say."""
    told = this.snapshot.stamp.version
    return told is not None and copy.version is not None and told < copy.version


def _unlink(this: Incoming, record: Record) -> Applied:
    crm_copies.remove(this.tx, this.resource, record.id)
    outbox.remove(this.tx, this.resource.name, record.id)
    record.crm_id, record.status, record.error = None, "failed", KEPT
    records.save(this.tx, this.resource, record)
    return Applied("applied", record.id, [], kind="deleted")


def _lost(this: Incoming, record: Record, name: str, value: object) -> Found:
    return Found(
        kind="deleted",
        crm_id=this.snapshot.crm_id,
        record_id=record.id,
        field=name,
        local=value,
        policy="crm_wins",
        resolution="crm",
        note="Deleted in the CRM before this edit reached it.",
    )
