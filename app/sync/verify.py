"""Comparing both sides, record by record: what is in step, what is not, and why."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core import mapping
from app.core.db import reading
from app.core.record import CrmCopy, Record, Snapshot, Stamp
from app.core.resource import Resource
from app.crm import NotThere
from app.store import inbox, records
from app.store.work import Work
from app.sync import feed, matching, reconcile
from app.sync.engine import Engine

AT_ONCE = 500
UNKNOWN = "unknown"
Difference = dict[str, Any]


@dataclass
class Verified:
    """What a comparison found; `suspects` differ for no reason that we know."""

    in_step: int = 0
    differences: list[Difference] = field(default_factory=list)
    suspects: list[Difference] = field(default_factory=list)
    calls: int = 0


def compare(engine: Engine, resource: Resource, found: Verified) -> None:
    """Compare all records of a resource with the CRM's. Raises Unavailable and Rejected."""
    seen: set[int] = set()
    for items in _listed(engine, resource, found):
        with reading() as connection:
            work = Work(connection, resource, locking=False)
            feed.load(work, items)
            for item in items:
                record = work.linked(item.crm_id)
                if record is not None:
                    seen.add(hash(record.id))
                _note(work, item, record, found)
    _rest(resource, seen, found)
    _look_again(engine, resource, found)


def _listed(engine: Engine, resource: Resource, found: Verified) -> Iterator[Sequence[Snapshot]]:
    """Return all records of the CRM, from the beginning; asked one by one where it has no list."""
    cursor = None
    while True:
        found.calls += 1
        try:
            page = engine.crm.list_changed(resource.crm_path, cursor, feed.PAGE)
        except NotThere:
            yield from _asked(engine, resource, found)
            return
        yield page.items
        if not page.has_more or page.cursor is None or page.cursor == cursor:
            return
        cursor = page.cursor


def _asked(engine: Engine, resource: Resource, found: Verified) -> Iterator[Sequence[Snapshot]]:
    after = ""
    while True:
        with reading() as connection:
            batch = records.linked(connection, resource, after, AT_ONCE)
        if not batch:
            return
        found.calls += len(batch)
        yield [feed.ask(engine, resource, one.crm_id) for one in batch if one.crm_id is not None]
        after = batch[-1].id


def _note(work: Work, item: Snapshot, record: Record | None, found: Verified) -> None:
    difference = _difference(work, item, record)
    if difference is None:
        found.in_step += record is not None and record.deleted_at is None
    elif difference["reason"] == UNKNOWN:
        found.suspects.append(difference)
    else:
        found.differences.append(difference)


def _difference(work: Work, item: Snapshot, record: Record | None) -> Difference | None:
    """Return how a CRM record differs from ours, and why; None when they are in step."""
    if record is None:
        return None if item.deleted else _without_record(work, item)
    copy = work.copy(record.id) or CrmCopy(item.crm_id)
    if record.deleted_at is not None:
        return None if item.deleted else _deleted_here(work, item, record, copy)
    if item.deleted:
        return _deleted_there(work, item, record)
    theirs, wrong = mapping.from_crm(work.resource, item.fields)
    apart = {name: {"here": record.fields[name], "crm": value} for name, value in theirs.items()
             if value != record.fields[name] and copy.same_as.get(name, value) != record.fields[name]}  # fmt: skip
    if wrong:
        return _made(work, item, record, "conflict", {}, f"Not usable here: {', '.join(sorted(wrong))}.")
    return _made(work, item, record, *_why(work, item, record, copy, apart)) if apart else None


def _why(
    work: Work, item: Snapshot, record: Record, copy: CrmCopy, apart: dict[str, Any]
) -> tuple[str, dict[str, Any], str]:
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
    if match.past:
        return None
    ours = match.record or (None if match.claim is None or match.claim.record_id is None
                            else work.record(match.claim.record_id))  # fmt: skip
    if work.open_conflicts(None, item.crm_id) or match.claim is not None:
        return _made(work, item, ours, "conflict", {}, "Two records of the CRM claim one of ours.")
    if match.wait or (ours is not None and work.owed(ours.id) is not None):
        return _made(work, item, ours, "owed", {}, "Its creation is under way.")
    return _made(work, item, ours, "not_pulled", {}, "It is not here yet.")


def _deleted_here(work: Work, item: Snapshot, record: Record, copy: CrmCopy) -> Difference | None:
    if copy.deleted:
        return _made(work, item, record, "unlinked", {}, "Deleted here and left in the CRM, by a rollback.")
    reason = "failed" if record.status == "failed" else "owed" if work.owed(record.id) is not None else UNKNOWN
    return _made(work, item, record, reason, {}, "Deleted here; the CRM still has it.")


def _deleted_there(work: Work, item: Snapshot, record: Record) -> Difference:
    if any(known.found.kind == "deleted" for known in work.open_conflicts(record.id)):
        return _made(work, item, record, "needs_approval", {}, "Deleted in the CRM; a person decides.")
    copy = work.copy(record.id)
    is_told = item.stamp != Stamp()  # else it is simply not there, and no list will ever say so
    reason = "not_pulled" if is_told and (copy is None or _is_news(item, copy)) else UNKNOWN
    return _made(work, item, record, reason, {}, "Deleted in the CRM.")


def _is_news(item: Snapshot, copy: CrmCopy) -> bool:
    """Tell whether the CRM's record is newer than what it last told us."""
    known, told = copy.version, item.stamp.version
    if known is not None and told is not None:
        return told > known
    stamps = [stamp.at for stamp in copy.stamps.values() if stamp.at is not None]
    return item.stamp.at is None or not stamps or item.stamp.at > max(stamps)


def _rest(resource: Resource, seen: Collection[int], found: Verified) -> None:
    """Go through our records that the CRM did not list."""
    after = ""
    while True:
        with reading() as connection:
            batch = records.live(connection, resource, after, AT_ONCE)
            missing = [one for one in batch if hash(one.id) not in seen]
            work = Work(connection, resource, locking=False)
            work.load(ids=[one.id for one in missing])
            held = {one.crm_id for one in inbox.held(connection, resource.name, inbox.ALL)} if missing else set()
            for record in missing:
                difference = _unseen(work, record, held)
                (found.suspects if difference["reason"] == UNKNOWN else found.differences).append(difference)
        if not batch:
            return
        after = batch[-1].id


def _unseen(work: Work, record: Record, held: Collection[str]) -> Difference:
    copy = work.copy(record.id)
    item = Snapshot(record.crm_id or "", {})
    if record.crm_id in held:
        return _made(work, item, record, "not_pulled", {}, "Deleted in the CRM; the pull that said so is not over.")
    if work.open_conflicts(record.id):
        return _made(work, item, record, "conflict", {}, "Waits for a person.")
    if record.status == "failed":
        return _made(work, item, record, "failed", {}, record.error or "The CRM refused it.")
    if work.owed(record.id) is not None and record.crm_id is None:
        return _made(work, item, record, "owed", {}, "The CRM has yet to hear of it.")
    if copy is not None and copy.deleted:
        return _made(work, item, record, "unlinked", {}, record.error or "It has no counterpart in the CRM.")
    return _made(work, item, record, UNKNOWN, {}, "The CRM does not list it.")


def _made(
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


def _look_again(engine: Engine, resource: Resource, found: Verified) -> None:
    """Both sides move while they are compared: ask again for what seems unexplained, before calling it drift."""
    suspects, found.suspects = found.suspects, []
    for suspect in suspects:
        if suspect["crm_id"] is None:
            found.suspects.append(suspect)
            continue
        found.calls += 1
        item = feed.ask(engine, resource, suspect["crm_id"])
        with reading() as connection:
            work = Work(connection, resource, locking=False)
            record = work.linked(item.crm_id)
            _note(work, item, record, found)
