"""How one record differs between the two sides, and why: what explains a difference, and what nothing does."""

from collections.abc import Collection
from typing import Any

from app.core.record import MISSING, CrmCopy, Fields, Record, Snapshot, Stamp, same
from app.store.work import Work
from app.sync import matching, reconcile
from app.sync.incoming import unmentioned

UNKNOWN = "unknown"
Difference = dict[str, Any]


def difference(work: Work, item: Snapshot, record: Record | None) -> Difference | None:
    """Return how a record of the CRM differs from ours, and why; None when they are in step."""
    if record is None:
        return None if item.deleted else _without_record(work, item)
    copy = work.copy(record.id)
    if record.deleted_at is not None or item.deleted:
        return _deleted(work, item, record, copy)
    theirs, wrong = work.read(item)
    if wrong:
        return made(work, item, record, "conflict", {}, f"Not usable here: {', '.join(sorted(wrong))}.")
    apart = _apart(record, theirs, copy)
    mistake = _mistake(item, theirs, copy)
    if copy is None or mistake is not None:
        return made(work, item, record, UNKNOWN, apart, mistake or "What the CRM told us of it is not known any more.")
    if not apart and not unmentioned(work.resource, item, copy):
        return None
    return made(work, item, record, *_why(work, item, record, copy, apart))


def _apart(record: Record, theirs: Fields, copy: CrmCopy | None) -> dict[str, dict[str, Any]]:
    """Return the fields with different values; two forms of one value are no difference."""
    return {
        name: {"here": record.fields[name], "crm": value}
        for name, value in theirs.items()
        if not same(value, record.fields[name]) and not _is_same(copy, name, value, record.fields[name])
    }


def _is_same(copy: CrmCopy | None, name: str, theirs: Any, ours: Any) -> bool:
    if copy is None or name not in copy.same_as:
        return False
    return same(copy.fields.get(name), theirs) and same(copy.same_as[name], ours)


def _mistake(item: Snapshot, theirs: Fields, copy: CrmCopy | None) -> str | None:
    """Say what we are wrong about, though both sides may hold the same: the next merge would be wrong."""
    if copy is None or copy.crm_id != item.crm_id:
        return None if copy is None else f"What is known of it speaks of {copy.crm_id}."
    if copy.deleted:
        return "It counts as deleted in the CRM, and is not."
    told = item.stamp.version
    if copy.version is not None and told is not None and told < copy.version:
        return f"It was at version {copy.version} in the CRM, and is at {told}."
    wrong = [name for name, value in theirs.items() if not _knows(copy, name, value)]
    if wrong and not _is_news(item, copy):
        return f"The CRM told us something else before, at the same version: {', '.join(sorted(wrong))}."
    return None


def _knows(copy: CrmCopy, name: str, value: Any) -> bool:
    """Tell whether a value is no surprise: we were told it, or sent it and never heard what became of it."""
    known = copy.fields.get(name, MISSING)
    is_ours = name in copy.same_as and same(copy.same_as[name], value)
    return same(known, value) or is_ours or (known is MISSING and value is None)


def _why(
    work: Work, item: Snapshot, record: Record, copy: CrmCopy, apart: dict[str, Any]
) -> tuple[str, dict[str, Any], str]:
    if not apart:
        lost = ", ".join(unmentioned(work.resource, item, copy))
        return "unmentioned", apart, f"The CRM told us of it once, and leaves it out now: {lost}."
    owed = reconcile.owed(work.resource.pushed_fields, record.fields, copy)
    if set(apart) & set(copy.held):
        return "conflict", apart, "Waits for a person."
    if set(apart) <= set(owed) and record.status == "failed":
        return "failed", apart, record.error or "The CRM refused it."
    if set(apart) <= set(owed) and work.owed(record.id) is not None:
        return "owed", apart, "The CRM has yet to hear of it."
    if _is_news(item, copy):
        return "not_pulled", apart, "The next pull brings it."
    return UNKNOWN, apart, "Both sides were told to be in step, and are not."


def _without_record(work: Work, item: Snapshot) -> Difference | None:
    match = matching.match(work, item)
    ours = match.record or (None if match.claim is None or match.claim.record_id is None
                            else work.record(match.claim.record_id))  # fmt: skip
    if match.past or (ours is not None and _has_lost_its_link(work, item, ours)):
        return None
    if work.open_conflicts(None, item.crm_id) or match.claim is not None:
        return made(work, item, ours, "conflict", {}, "Two records of the CRM claim one of ours.")
    if match.wait or (ours is not None and work.owed(ours.id) is not None):
        return made(work, item, ours, "owed", {}, "Its creation is under way.")
    return made(work, item, ours, "not_pulled", {}, "It is not here yet.")


def _has_lost_its_link(work: Work, item: Snapshot, ours: Record) -> bool:
    """Tell whether our record was linked with this one, and nothing says why it is not: it speaks for itself."""
    copy = work.copy(ours.id)
    return ours.crm_id is None and copy is not None and copy.crm_id == item.crm_id and not copy.deleted


def _deleted(work: Work, item: Snapshot, record: Record, copy: CrmCopy | None) -> Difference | None:
    if record.deleted_at is None:
        return _deleted_there(work, item, record, copy)
    return None if item.deleted else _deleted_here(work, item, record, copy)


def _deleted_here(work: Work, item: Snapshot, record: Record, copy: CrmCopy | None) -> Difference:
    if copy is not None and copy.deleted:
        return made(work, item, record, "unlinked", {}, "Deleted here; the CRM's record is none of ours any more.")
    reason = "failed" if record.status == "failed" else "owed" if work.owed(record.id) is not None else UNKNOWN
    return made(work, item, record, reason, {}, "Deleted here; the CRM still has it.")


def _deleted_there(work: Work, item: Snapshot, record: Record, copy: CrmCopy | None) -> Difference:
    if _awaits_approval(work, record):
        return made(work, item, record, "needs_approval", {}, "Deleted in the CRM; a person decides.")
    is_told = item.stamp != Stamp()  # else it is simply not there, and no list will ever say so
    reason = "not_pulled" if is_told and (copy is None or _is_news(item, copy)) else UNKNOWN
    return made(work, item, record, reason, {}, "Deleted in the CRM.")


def _awaits_approval(work: Work, record: Record) -> bool:
    return any(known.found.kind == "deleted" for known in work.open_conflicts(record.id))


def _is_news(item: Snapshot, copy: CrmCopy) -> bool:
    """Tell whether the CRM's record is newer than what it last told us."""
    known, told = copy.version, item.stamp.version
    if known is not None and told is not None:
        return told > known
    stamps = [stamp.at for stamp in copy.stamps.values() if stamp.at is not None]
    return item.stamp.at is None or not stamps or item.stamp.at > max(stamps)


def unseen(work: Work, record: Record, held: Collection[str | None]) -> Difference:
    """Return why the CRM does not list a record of ours."""
    copy = work.copy(record.id)
    item = Snapshot(record.crm_id or "", {})
    if record.crm_id is not None and record.crm_id in held:
        return made(work, item, record, "not_pulled", {}, "Deleted in the CRM; the pull that said so is not over.")
    if work.open_conflicts(record.id):
        reason = "needs_approval" if _awaits_approval(work, record) else "conflict"
        return made(work, item, record, reason, {}, "Waits for a person.")
    if record.status == "failed":
        return made(work, item, record, "failed", {}, record.error or "The CRM refused it.")
    if work.owed(record.id) is not None and record.crm_id is None:
        return made(work, item, record, "owed", {}, "The CRM has yet to hear of it.")
    if copy is not None and copy.deleted:
        return made(work, item, record, "unlinked", {}, record.error or "It has no counterpart in the CRM.")
    return made(work, item, record, UNKNOWN, {}, "The CRM does not list it.")


def made(
    work: Work, item: Snapshot, record: Record | None, reason: str, fields: dict[str, Any], note: str
) -> Difference:
    return {
        "resource": work.resource.name,
        "record_id": None if record is None else record.id,
        "crm_id": item.crm_id or None,
        "reason": reason,
        "fields": fields,
        "note": note,
    }
