"""What a record owes the CRM, and the status that follows from it."""

from dataclasses import replace
from datetime import datetime

from app.core.record import CrmCopy, Record
from app.core.resource import Resource
from app.store.work import Work
from app.sync import reconcile

AGREED = "agreed"


def owes(resource: Resource, record: Record, copy: CrmCopy | None) -> bool:
    """Tell whether the CRM has yet to hear of this record."""
    if record.deleted_at is not None:
        return record.crm_id is not None and (copy is None or not copy.deleted)
    if copy is None:
        return True
    return not copy.deleted and bool(reconcile.owed(resource.pushed_fields, record.fields, copy))


def settle_status(work: Work, record: Record, copy: CrmCopy | None, due_at: datetime) -> None:
    """Bring status, outbox and conflicts in line with what the record owes, after either side changed.

    The caller saves the record.
    """
    if copy is not None:
        _release_agreed(work, record, copy)
    if owes(work.resource, record, copy):
        if record.status in {"synced", "conflict"}:
            work.owe(record.id, due_at)
            record.status = "pending"
    elif remove_if_heard(work, record.id):
        # A record that is kept without a counterpart goes on saying why.
        is_apart = copy is not None and copy.deleted and record.deleted_at is None
        record.status, record.error = "synced", record.error if is_apart else None
    close_settled(work, record, copy, due_at)
    if work.open_conflicts(record.id):
        record.status = "conflict"


def remove_if_heard(work: Work, record_id: str) -> bool:
    """Remove what is owed unless something was sent whose fate is not known; tell whether nothing is left."""
    entry = work.owed(record_id)
    if entry is not None and entry.is_unsure:
        return False
    if entry is not None:
        work.outbox.remove(record_id)
    return True


def close_settled(work: Work, record: Record, copy: CrmCopy | None, now: datetime) -> None:
    """Close the open conflicts on fields that no longer wait for a person; what others claim stays open."""
    held = [] if copy is None or record.deleted_at is not None else copy.held
    for known in work.open_conflicts(record.id):
        name = known.found.field
        if name is None or known.found.crm_id != record.crm_id:
            continue
        if name not in held:
            work.put_conflict(known.resolved(AGREED, "merge", now))
        elif known.found.local != record.fields[name]:  # edited while it waits
            work.put_conflict(replace(known, found=replace(known.found, local=record.fields[name])))


def _release_agreed(work: Work, record: Record, copy: CrmCopy) -> None:
    """A field that both sides agree on again waits for nobody."""
    agreed = [name for name in copy.held if name in copy.fields and copy.fields[name] == record.fields.get(name)]
    if agreed and not any(one.found.kind == "deleted" for one in work.open_conflicts(record.id)):
        copy.held = [name for name in copy.held if name not in agreed]
        work.copies.put(record.id, copy)
