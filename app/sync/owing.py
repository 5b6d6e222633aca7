"""What a record owes the CRM, and the status that follows from it."""

from dataclasses import replace
from datetime import datetime

from app.core.kinds import unique_key
from app.core.record import CrmCopy, Record, same
from app.core.resource import Resource
from app.store.conflicts import Found, Known
from app.store.work import Work
from app.sync import reconcile

AGREED, SETTLED = "agreed", "settled"


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
        record.status, record.error = "synced", said_in_step(record, copy)
    close_settled(work, record, copy, due_at)
    if work.open_conflicts(record.id):
        record.status = "conflict"


def said_in_step(record: Record, copy: CrmCopy | None) -> str | None:
    """Return what is left to say of a record that owes nothing: one kept without a counterpart goes on saying why."""
    is_apart = copy is not None and copy.deleted and record.deleted_at is None
    return record.error if is_apart else None


def remove_if_heard(work: Work, record_id: str) -> bool:
    """Remove what is owed unless something was sent whose fate is not known; tell whether nothing is left."""
    entry = work.owed(record_id)
    if entry is not None and entry.is_unsure:
        return False
    if entry is not None:
        work.outbox.remove(record_id)
    return True


def close_settled(work: Work, record: Record, copy: CrmCopy | None, now: datetime) -> None:
    """Close the open conflicts that no longer wait for a person."""
    held = [] if copy is None or record.deleted_at is not None else copy.held
    for known in work.open_conflicts(record.id):
        found = known.found
        if found.kind == "duplicate" and found.crm_id != record.crm_id:
            if not _is_claimed(work, record, found):
                close_claim(work, known, now)
        elif _is_over(record, held, found):
            work.put_conflict(known.resolved(AGREED if found.crm_id == record.crm_id else SETTLED, "merge", now))
        elif found.field is not None and not same(found.local, record.fields[found.field]):  # edited while it waits
            work.put_conflict(replace(known, found=replace(found, local=record.fields[found.field])))


def _is_over(record: Record, held: list[str], found: Found) -> bool:
    """Tell whether nobody has to say any more what becomes of a field, or of a record that was deleted there."""
    if record.deleted_at is not None or found.crm_id != record.crm_id:
        return True
    return found.field is not None and found.field not in held


def waiting_fields(work: Work, record: Record, copy: CrmCopy) -> list[str]:
    """Return the fields that wait for a person by themselves, not because the whole record does."""
    waiting = {one.found.field for one in work.open_conflicts(record.id) if one.found.crm_id == record.crm_id}
    return [name for name in copy.held if name in waiting]


def close_claim(work: Work, known: Known, now: datetime) -> None:
    """End a claim whose reason is gone; the CRM is asked about what claimed, which may have a place of its own now."""
    work.put_conflict(known.resolved(SETTLED, "merge", now))
    work.ask(f"ask-{known.id}", known.found.crm_id)


def _is_claimed(work: Work, record: Record, claim: Found) -> bool:
    """Tell whether another record of the CRM still has a reason to claim this one."""
    if claim.field is not None:
        return record.deleted_at is None and unique_key(record.fields[claim.field]) == unique_key(claim.crm)
    other = work.linked(claim.crm_id)
    return record.crm_id is None or other is None or other.id == record.id


def _release_agreed(work: Work, record: Record, copy: CrmCopy) -> None:
    """A field that both sides agree on again waits for nobody."""
    agreed = [name for name in copy.held if name in copy.fields and same(copy.fields[name], record.fields.get(name))]
    if agreed and not any(one.found.kind == "deleted" for one in work.open_conflicts(record.id)):
        copy.held = [name for name in copy.held if name not in agreed]
        copy.same_as = {name: value for name, value in copy.same_as.items() if name not in agreed}
        work.copies.put(record.id, copy)
