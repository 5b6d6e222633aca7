"""Taking in what the CRM says of a record: a webhook, a pulled page and the answer to a push all come through `apply`.

Everything here happens in the caller's unit of work.
"""

from dataclasses import replace

from app.core.record import CrmCopy, Fields, Record, Snapshot
from app.store import journal
from app.store.conflicts import Found
from app.store.crm_changes import Action, Told
from app.store.work import Work
from app.sync import delivery, handover, newcomer, reconcile, tombstone
from app.sync.engine import Engine
from app.sync.incoming import Applied, Incoming, Outcome, Source, unmentioned
from app.sync.matching import match
from app.sync.owing import settle_status
from app.sync.reconcile import Clash, Merged


def apply(work: Work, engine: Engine, snapshot: Snapshot, source: Source) -> Applied:
    """Merge what the CRM says of a record into ours."""
    this = Incoming(work, engine, snapshot, source)
    found = match(work, snapshot, source.record_id)
    if found.wait or found.past:
        return Applied("ask" if found.wait else "gone")
    if found.claim is not None:
        return _claimed(this, found.claim)
    was_linked, held = (None if found.record is None else found.record.crm_id), handover.keys_of(work, found.record)
    applied = newcomer.welcome(this) if found.record is None else _take_in(this, found.record)
    _close_claims(this, applied)
    record = None if applied.record_id is None else work.record(applied.record_id)
    if record is not None:
        handover.settle(this, record, held)
        if record.crm_id not in {None, was_linked}:
            _apply_parked(this, record.crm_id)
    return applied


def _take_in(this: Incoming, record: Record) -> Applied:
    copy, created = this.work.copy(record.id), {}
    if copy is None or copy.crm_id != this.snapshot.crm_id or record.crm_id is None:
        created = _said_to_create(this, record)
        copy = CrmCopy(this.snapshot.crm_id, dict(created), former=_former(copy, this.snapshot.crm_id))
    if this.snapshot.deleted:
        return tombstone.bury(this, record, copy)
    lost = unmentioned(this.resource, this.snapshot, copy) if this.source.origin == "pull" else []
    applied = _merge(this, record, copy, created)
    applied.unmentioned = [f"{this.resource.name}.{name}" for name in lost]
    return applied


def _former(copy: CrmCopy | None, crm_id: str) -> list[str]:
    if copy is None:
        return []
    return copy.former if copy.crm_id == crm_id else tombstone.links(copy)


def _said_to_create(this: Incoming, record: Record) -> Fields:
    """Return what our own create said, if that is how the CRM came to know the record."""
    entry = this.work.owed(record.id)
    return dict(entry.creating["fields"]) if entry is not None and entry.creating is not None else {}


def _merge(this: Incoming, record: Record, copy: CrmCopy, created: Fields) -> Applied:
    if this.source.answer_to is None and copy.stamps and this.work.unknown(this.snapshot):
        return Applied("ask", record.id)  # half of it would be taken for this version, and overwrite the rest unseen
    told, wrong = this.work.read(this.snapshot)
    owed = this.work.owed(record.id)
    # Who was taken out here, and is left alone in the CRM, holds no opinion on what becomes of it there.
    is_parted = record.deleted_at is not None and copy.deleted
    # Nobody was said in the place of whom the CRM does not have: that it says nobody too is no news, and ours stays.
    ours = {name for name in this.source.unsaid if told.get(name) is None}
    merged = reconcile.merge(
        copy,
        record.fields,
        told,
        this.snapshot.stamp,
        lambda name: "crm" if is_parted else "local" if name in ours else this.winner(record, name),
        whole=this.is_whole,
        sent=() if owed is None else owed.sent,
        answer_to=this.source.answer_to,
    )
    if (
        record.deleted_at is not None and not copy.deleted
    ):  # it keeps its values, so the base of the merge stays too, should it be restored
        merged.copy.fields |= {name: copy.fields[name] for name in merged.taken if name in copy.fields}
    found = [_clash(this, record, clash) for clash in merged.clashes if not is_parted]
    found += [*_unreadable(this, record, wrong), *handover.refuse_taken(this, record, merged)]
    count = sum(this.report(one) for one in found)
    changed = _write(this, record, merged, created)
    if merged.ties or this.work.unknown(this.snapshot):
        return Applied("ask", record.id, sorted(changed), count)
    if changed:
        return Applied("applied", record.id, sorted(changed), count, "updated")
    outcome: Outcome = "stale" if told and len(merged.stale) == len(told) else "unchanged"
    return Applied(outcome, record.id, [], count)


def _write(this: Incoming, record: Record, merged: Merged, created: Fields) -> journal.Changed:
    before = (record.status, record.error, record.crm_id)
    # A tombstone keeps the values it was buried with; only what the CRM told us goes on.
    changed = {} if record.deleted_at else journal.differences(record.fields, merged.local)
    record.crm_id = this.snapshot.crm_id
    if changed:
        record.fields = merged.local
        record.version += 1
        record.last_updated = this.changed_at(record)
    this.work.copies.put(record.id, merged.copy)
    _note_told(this, record, merged, created)
    settle_status(this.work, record, merged.copy, this.now)
    if changed or before != (record.status, record.error, record.crm_id):
        this.work.save(record)
    if changed:
        this.work.journal.append(journal.Entry.about(record, changed, this.source.origin, this.source.run_id))
    return changed


def _note_told(this: Incoming, record: Record, merged: Merged, created: Fields) -> None:
    """Write down what the CRM has taken from us, by whichever way we came to hear of it."""
    changes = {name: (None, value) for name, value in created.items()}
    # What a create brought was not there before, whatever the CRM made of it.
    changes |= {name: (None if name in created else old, new) for name, (old, new) in merged.heard.items()}
    if not changes:
        return
    entry = this.work.owed(record.id)
    run_id = this.source.run_id if entry is None else entry.run_id
    action: Action = "create" if created else "update"
    crm_id, resource = this.snapshot.crm_id, this.resource.name
    this.work.told.append(Told(resource, record.id, record.version, crm_id, this.now, action, run_id, changes))


def _clash(this: Incoming, record: Record, clash: Clash) -> Found:
    return Found(
        kind="field",
        crm_id=this.snapshot.crm_id,
        record_id=record.id,
        field=clash.name,
        last_told=clash.last_told,
        local=clash.local,
        crm=clash.crm,
        policy=this.policy_of(clash.name),
        resolution=clash.winner,
    )


def _unreadable(this: Incoming, record: Record, wrong: dict[str, list[str]]) -> list[Found]:
    """Set aside values that we cannot hold; the rest of the record goes on."""
    return [
        Found(
            kind="invalid",
            crm_id=this.snapshot.crm_id,
            record_id=record.id,
            field=name,
            local=record.fields.get(name),
            crm=this.snapshot.fields.get(this.resource.fields[name].crm or name),
            resolution="local",
            note=" ".join(messages),
        )
        for name, messages in wrong.items()
    ]


def _claimed(this: Incoming, claim: Found) -> Applied:
    """Two CRM records claim one of ours: nothing is overwritten."""
    if this.source.record_id is not None:
        return _misnamed(this, claim, this.source.record_id)
    return Applied("conflict", claim.record_id, conflicts=int(this.report(claim)))


def _misnamed(this: Incoming, claim: Found, record_id: str) -> Applied:
    """The answer to our own create names a record that is somebody else's; what it said is kept, to be looked up."""
    record = this.work.record(record_id)
    assert record is not None
    new = this.report(replace(claim, local=_said_to_create(this, record) or None))
    record.status, record.error = "conflict", claim.note
    this.work.outbox.remove(record.id)
    this.work.save(record)
    return Applied("conflict", claim.record_id, conflicts=int(new))


def _close_claims(this: Incoming, applied: Applied) -> None:
    """A CRM record that found its own place, or went away, claims nobody else's record any more."""
    for known in this.work.open_conflicts(None, this.snapshot.crm_id):
        if known.found.kind == "duplicate" and known.found.record_id not in {None, applied.record_id}:
            this.work.put_conflict(known.resolved("settled", "merge", this.now))
            _show_settled(this, known.found.record_id)


def _show_settled(this: Incoming, record_id: str | None) -> None:
    record = None if record_id is None else this.work.record(record_id)
    if record is not None and record.status == "conflict":
        settle_status(this.work, record, this.work.copy(record.id), this.now)
        this.work.save(record)


def _apply_parked(this: Incoming, crm_id: str) -> None:
    """Take in the deliveries that came before we knew whose record this is."""
    for parked in this.work.parked(crm_id):
        if parked.body is None:
            continue  # a question to the CRM, not news from it
        waiting = delivery.to_snapshot(parked.body)
        applied = apply(this.work, this.engine, waiting, Source("webhook", this.source.run_id))
        if applied.outcome not in {"ask", "unknown"}:
            this.work.settled[parked.id] = applied.outcome
