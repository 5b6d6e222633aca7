"""Deletes that come from the CRM: deleted stays deleted, and what was lost with it is written down."""

from dataclasses import replace

from app.core.record import CrmCopy, Fields, Record
from app.store import journal
from app.store.conflicts import Found
from app.store.journal import Entry
from app.store.work import Work
from app.sync import reconcile
from app.sync.incoming import Applied, Incoming

KEPT = "Deleted in the CRM and kept here, because SYNC_DELETED is 0."
REFUSED = "Deleted in the CRM and kept here: a person refused the deletion."
MERGED = "The CRM merged the two records."
OURS: Fields = {journal.DELETED: True}
"""What a delete of ours is noted as among what was sent; no resource may have a field of that name."""


def bury(this: Incoming, record: Record, copy: CrmCopy) -> Applied:
    """Make a tombstone of a record that the CRM has deleted."""
    if _is_older(this, copy):
        return Applied("ask", record.id)
    if this.snapshot.merged_into is not None and record.deleted_at is None:
        moved = _follow_merge(this, record, copy, this.snapshot.merged_into)
        if moved is not None:
            return moved
    if record.deleted_at is None:
        entry = this.work.owed(record.id)
        if entry is not None and OURS in entry.sent:
            return begin_anew(this, record, copy)
        if any(known.found.kind == "deleted" for known in this.work.open_conflicts(record.id)):
            return Applied("unchanged", record.id)  # a person is being asked about this very deletion
        if not this.engine.sync_deleted:
            return unlink(this, record, copy, KEPT)
    return _bury(this, record, copy)


def _bury(this: Incoming, record: Record, copy: CrmCopy) -> Applied:
    copy.deleted = True
    copy.version = this.snapshot.stamp.version or copy.version
    this.work.copies.put(record.id, copy)
    this.work.outbox.remove(record.id)
    already = record.deleted_at is not None
    lost = {} if already else reconcile.owed(this.resource.pushed_fields, record.fields, copy)
    record.crm_id, record.status, record.error = this.snapshot.crm_id, "synced", None
    if not already:
        record.deleted_at = this.changed_at(record)
        record.last_updated = record.deleted_at
        record.version += 1
        changed: journal.Changed = {journal.DELETED: (False, True)}
        this.work.journal.append(Entry.about(record, changed, this.source.origin, this.source.run_id))
    this.work.save(record)
    _close_conflicts(this, record)
    found = [_lost(this, record, name, value) for name, value in lost.items()]
    count = sum(this.report(one) for one in found)
    if already:
        return Applied("unchanged", record.id)
    return Applied("applied", record.id, [journal.DELETED], count, "deleted")


def unlink(this: Incoming, record: Record, copy: CrmCopy, why: str) -> Applied:
    """Keep a record that the CRM has deleted, without a counterpart; nothing brings it back there but a person."""
    copy.deleted, copy.held, copy.same_as = True, [], {}
    copy.version = this.snapshot.stamp.version or copy.version
    this.work.copies.put(record.id, copy)
    this.work.outbox.remove(record.id)
    record.crm_id, record.status, record.error = None, "synced", why
    this.work.save(record)
    _close_conflicts(this, record)
    return Applied("applied", record.id, [], kind="deleted")


def begin_anew(this: Incoming, record: Record, copy: CrmCopy) -> Applied:
    """A record lives here that the CRM has no more, by our own doing or by a person's wish: it is created again."""
    forget_link(this.work, record, copy)
    this.work.owe(record.id, this.now)
    entry = this.work.owed(record.id)
    assert entry is not None
    this.work.outbox.put(record.id, replace(entry, sent=(), creating=None))
    record.status = "pending"
    this.work.save(record)
    return Applied("unchanged", record.id)


def forget_link(work: Work, record: Record, copy: CrmCopy) -> None:
    """Take a record off its counterpart, and remember that this was one. The caller saves the record."""
    former = [*copy.former, copy.crm_id] if copy.crm_id not in copy.former else copy.former
    work.copies.put(record.id, CrmCopy(copy.crm_id, former=former))
    record.crm_id = None


def _follow_merge(this: Incoming, record: Record, copy: CrmCopy, winner: str) -> Applied | None:
    """The CRM merged this record's counterpart into another: the link moves, unless that one has a record already."""
    if winner in {copy.crm_id, *copy.former} or this.work.linked(winner) is not None:
        return None
    former = [*copy.former, copy.crm_id]
    # What the CRM last told us of the old one is the base for the new one; its versions mean nothing there.
    version = None if copy.version is None else 0
    moved = CrmCopy(winner, dict(copy.fields), version, same_as=copy.same_as, held=copy.held, former=former)
    this.work.copies.put(record.id, moved)
    record.crm_id = winner
    this.work.save(record)
    for known in this.work.open_conflicts(record.id, winner):
        is_claim = known.found.crm_id == winner
        moved_on = known.resolved("crm", "merge", this.now, MERGED) if is_claim else known
        this.work.put_conflict(replace(moved_on, found=replace(moved_on.found, crm_id=winner)))
    this.work.ask(f"ask-{this.engine.world.new_id()}", winner)
    return Applied("applied", record.id, [], kind="updated")


def _is_older(this: Incoming, copy: CrmCopy) -> bool:
    """A delete from before what we know may have been undone since; only the CRM can say."""
    told = this.snapshot.stamp.version
    return told is not None and copy.version is not None and told < copy.version


def _close_conflicts(this: Incoming, record: Record) -> None:
    """What waited for a person about a record that is gone waits no longer."""
    for known in this.work.open_conflicts(record.id):
        this.work.put_conflict(known.resolved("settled", "merge", this.now))


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
