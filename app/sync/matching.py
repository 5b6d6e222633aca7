"""Which record a CRM record belongs to: by crm_id, then external_id, then a unique field of a record without a link."""

from dataclasses import dataclass

from app.core.record import Record, Snapshot
from app.store.conflicts import Found
from app.store.work import Work


@dataclass(frozen=True)
class Match:
    """The record that was found, or why there is none.

    `claim` is for a person to decide, `wait` for the CRM to be asked, `past` speaks of a link that is no more.
    """

    record: Record | None = None
    claim: Found | None = None
    wait: bool = False
    past: bool = False


def match(work: Work, snapshot: Snapshot, record_id: str | None = None) -> Match:
    """Find the record for a snapshot; `record_id` is known when this is the answer to our own push."""
    linked = work.linked(snapshot.crm_id)
    if linked is not None and record_id in {None, linked.id}:
        return Match(linked)
    wanted = record_id or snapshot.external_id
    ours = None if wanted is None else work.record(wanted)
    if ours is None:
        return _by_unique_field(work, snapshot) if snapshot.whole and not snapshot.deleted else Match()
    # Unless it is the answer to our own create: a CRM may have brought back what it had deleted.
    is_created = record_id is not None and ours.crm_id is None and not snapshot.deleted
    if ours.crm_id != snapshot.crm_id and not is_created and _is_past(work, snapshot, ours):
        return Match(past=True)
    # Where two transactions link one record at once, the second one finds it linked as it wanted it.
    if ours.crm_id == snapshot.crm_id:
        return Match(ours)
    if linked is None and ours.crm_id is None:
        return _again(work, snapshot, ours)
    return _elsewhere(work, snapshot, ours, linked, is_answer=record_id is not None)


def _elsewhere(work: Work, snapshot: Snapshot, ours: Record, linked: Record | None, *, is_answer: bool) -> Match:
    """Say what to make of a snapshot that names our record, when it, or the other side's, is linked otherwise."""
    if is_answer and linked is not None and ours.crm_id is not None:
        return Match(past=True)  # a create answered with another's id, when a webhook had told its own already
    other = linked.id if linked is not None else ours.crm_id
    claim = _claim(snapshot, ours, "id", f"It claims a record that is linked with {other} already.")
    return Match(claim=claim) if is_answer else _put(work, claim)


def _is_past(work: Work, snapshot: Snapshot, ours: Record) -> bool:
    """Tell a link of the past: an old twin goes away, or is told of late, and there is nothing to claim."""
    if snapshot.deleted and ours.crm_id is not None:
        return True
    copy = work.copy(ours.id)
    return copy is not None and snapshot.crm_id in copy.former


def _again(work: Work, snapshot: Snapshot, ours: Record) -> Match:
    """Link a record without a link; one that lost its link to a deletion only when the CRM surely has it again."""
    copy = work.copy(ours.id)
    if copy is None or not copy.deleted or copy.crm_id != snapshot.crm_id:
        return Match(ours)
    if snapshot.deleted or not _is_later(snapshot.stamp.version, copy.version):
        return Match(past=True)
    return Match(ours) if snapshot.whole else Match(wait=True)


def _is_later(version: int | None, known: int | None) -> bool:
    return version is None or known is None or version > known


def _by_unique_field(work: Work, snapshot: Snapshot) -> Match:
    fields, _ = work.read(snapshot)
    for name in work.resource.unique_fields:
        found = work.holder(name, fields.get(name))
        if found is None:
            continue
        if found.crm_id == snapshot.crm_id:
            return Match(found)
        if _is_past(work, snapshot, found):
            return Match(past=True)
        if found.crm_id is not None:
            return _put(work, _claim(snapshot, found, name, f"Its {name} belongs to a record linked with another."))
        owed = work.owed(found.id)
        # Our own create may be under way: linking now would make its answer a second link.
        return Match(wait=True) if owed is not None and owed.creating is not None else _again(work, snapshot, found)
    return Match()


def _put(work: Work, claim: Found) -> Match:
    """Put a claim to a person, unless one has said no to it."""
    return Match(past=True) if work.is_turned_down(claim) else Match(claim=claim)


def _claim(snapshot: Snapshot, record: Record, name: str, note: str) -> Found:
    value = snapshot.fields.get(name, snapshot.crm_id)
    return Found(
        kind="duplicate",
        crm_id=snapshot.crm_id,
        record_id=record.id,
        field=None if name == "id" else name,
        local=record.fields.get(name),
        crm=value,
        note=note,
    )
