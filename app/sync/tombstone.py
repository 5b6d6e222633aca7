"""Deletes that come from the CRM: deleted stays deleted, and what was lost with it is written down."""

from dataclasses import replace
from datetime import datetime

from app.core.record import CrmCopy, Fields, Record
from app.store import journal
from app.store.conflicts import Found
from app.store.crm_changes import Told
from app.store.journal import Entry
from app.store.work import Work
from app.sync import reconcile
from app.sync.incoming import Applied, Incoming
from app.sync.owing import SETTLED, close_claim, settle_status, waiting_fields

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
    entry = this.work.owed(record.id)
    if record.deleted_at is None:
        if entry is not None and OURS in entry.sent:
            return begin_anew(this, record, copy)
        if any(known.found.kind == "deleted" for known in this.work.open_conflicts(record.id)):
            return Applied("unchanged", record.id)  # a person is being asked about this very deletion
        if not this.engine.sync_deleted:
            return unlink(this, record, copy, KEPT)
    elif entry is not None and OURS in entry.sent and this.snapshot.merged_into is None:
        note_deleted(this.work, record, copy, this.now, entry.run_id)  # our own, whose answer is lost, or late
    return _bury(this, record, copy)


def note_deleted(work: Work, record: Record, copy: CrmCopy, now: datetime, run_id: str | None) -> None:
    """Write down that the CRM has done a delete of ours, once, by whichever way we came to hear of it."""
    if not copy.deleted:
        changes: journal.Changed = {journal.DELETED: (False, True)}
        work.told.append(Told(record.resource, record.id, record.version, copy.crm_id, now, "delete", run_id, changes))


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
    work.copies.put(record.id, CrmCopy(copy.crm_id, former=links(copy)))
    record.crm_id = None


def links(copy: CrmCopy) -> list[str]:
    """Return every crm_id that a record was linked with, this one last."""
    return [*copy.former, copy.crm_id] if copy.crm_id not in copy.former else copy.former


def _follow_merge(this: Incoming, record: Record, copy: CrmCopy, winner: str) -> Applied | None:
    """The CRM merged this record's counterpart into another: the link moves, unless that one has a record already."""
    # Back to where it was before is once more only: two that were merged into each other would be followed for ever.
    is_circle = winner == copy.crm_id or {winner, copy.crm_id} <= set(copy.former)
    if is_circle or this.work.linked(winner) is not None:
        return None
    if this.work.is_creating():
        return Applied("ask")  # a create of ours may have made that one: whose it is shows when it is settled
    # What the CRM last told us of the old one is the base for the new one; its versions mean nothing there.
    version = reconcile.known_no_more(copy.version)
    held = waiting_fields(this.work, record, copy)
    moved = CrmCopy(winner, dict(copy.fields), version, same_as=copy.same_as, held=held, former=links(copy))
    this.work.copies.put(record.id, moved)
    for known in this.work.open_conflicts(record.id):
        if known.found.crm_id == winner:  # it claimed this record, and has it now
            this.work.put_conflict(known.resolved("crm", "merge", this.now, MERGED))
        elif known.found.kind == "deleted":  # it lives on: nobody has to say whether it is deleted
            this.work.put_conflict(known.resolved(SETTLED, "merge", this.now, MERGED))
        elif known.found.crm_id == record.crm_id:
            this.work.put_conflict(replace(known, found=replace(known.found, crm_id=winner)))
    record.crm_id = winner
    if record.status == "failed":  # what the old one refused, the other may take
        record.status, record.error = "synced", None
    settle_status(this.work, record, moved, this.now)
    this.work.save(record)
    this.work.ask(f"ask-{this.engine.world.new_id()}", winner)
    return Applied("applied", record.id, [], kind="updated")


def _is_older(this: Incoming, copy: CrmCopy) -> bool:
    """A delete from before what we know may have been undone since; only the CRM can say."""
    told, stamps = this.snapshot.stamp.version, [copy.version, *(stamp.version for stamp in copy.stamps.values())]
    return told is not None and any(known is not None and told < known for known in stamps)


def _close_conflicts(this: Incoming, record: Record) -> None:
    """What waited for a person about a record that is gone waits no longer."""
    for known in this.work.open_conflicts(record.id):
        if known.found.crm_id == this.snapshot.crm_id:
            this.work.put_conflict(known.resolved("settled", "merge", this.now))
        else:
            close_claim(this.work, known, this.now)


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
