"""Taking in what the CRM says of a record: a webhook, a pulled page and the answer to a push all come through `apply`.

Everything here runs inside the caller's transaction.
"""

from sqlalchemy import Connection

from app.core import mapping
from app.core.record import CrmCopy, Record, Snapshot
from app.core.resource import Resource
from app.store import crm_copies, inbox, journal, outbox, records
from app.store.conflicts import Found
from app.sync import delivery, newcomer, policy, reconcile, tombstone
from app.sync.engine import Engine
from app.sync.incoming import Applied, Incoming, Outcome, Source
from app.sync.matching import match
from app.sync.owing import settle_status
from app.sync.policy import Winner
from app.sync.reconcile import Clash, Merged


def apply(tx: Connection, engine: Engine, resource: Resource, snapshot: Snapshot, source: Source) -> Applied:
    """Merge what the CRM says of a record into ours."""
    this = Incoming(tx, engine, resource, snapshot, source)
    found = match(tx, resource, snapshot, source.record_id)
    if found.wait:
        return Applied("ask")
    if found.claim is not None:
        return _claimed(this, found.claim)
    if found.record is None:
        applied = newcomer.welcome(this)
    else:
        copy = crm_copies.get(tx, resource, found.record.id)
        known = copy is not None
        copy = copy or _first_copy(this, found.record)
        if snapshot.deleted:
            return tombstone.bury(this, found.record, copy)
        applied = _merge(this, found.record, copy)
        if known:
            return applied
    if applied.record_id is not None:
        _apply_parked(this)
    return applied


def _first_copy(this: Incoming, record: Record) -> CrmCopy:
    """Begin with what our own create said, if that is how the CRM came to know the record."""
    entry = outbox.get(this.tx, this.resource.name, record.id, lock=True)
    said = entry.creating["fields"] if entry is not None and entry.creating is not None else {}
    return CrmCopy(this.snapshot.crm_id, dict(said))


def _merge(this: Incoming, record: Record, copy: CrmCopy) -> Applied:
    snapshot, source = this.snapshot, this.source
    told, wrong = mapping.from_crm(this.resource, snapshot.fields)
    owed = outbox.get(this.tx, this.resource.name, record.id, lock=True)
    merged = reconcile.merge(
        copy,
        record.fields,
        told,
        snapshot.stamp,
        lambda name: _winner(this, record, name),
        whole=snapshot.whole,
        sent=[] if owed is None else owed.sent,
        answer_to=source.answer_to,
    )
    found = [_clash(this, record, clash) for clash in merged.clashes]
    found += [*_unreadable(this, record, wrong), *_refuse_taken(this, record, merged)]
    count = sum(this.report(one) for one in found)
    changed = _write(this, record, merged)
    if merged.ties:
        return Applied("ask", record.id, sorted(changed), count)
    if changed:
        return Applied("applied", record.id, sorted(changed), count, "updated")
    outcome: Outcome = "stale" if told and len(merged.stale) == len(told) else "unchanged"
    return Applied(outcome, record.id, [], count)


def _write(this: Incoming, record: Record, merged: Merged) -> journal.Changed:
    before = (record.status, record.error, record.crm_id)
    # A tombstone keeps the values it was buried with; only what the CRM told us goes on.
    changed = {} if record.deleted_at else journal.differences(record.fields, merged.local)
    record.crm_id = this.snapshot.crm_id
    if changed:
        record.fields = merged.local
        record.version += 1
        record.last_updated = this.changed_at(record)
    crm_copies.save(this.tx, this.resource, record.id, merged.copy)
    settle_status(this.tx, this.resource, record, merged.copy, this.now)
    if changed or before != (record.status, record.error, record.crm_id):
        records.save(this.tx, this.resource, record)
    if changed:
        journal.add(this.tx, record, changed, this.source.origin, this.source.run_id)
    return changed


def _winner(this: Incoming, record: Record, name: str) -> Winner | None:
    chosen = this.engine.policies.of(this.resource, name)
    return policy.winner(chosen, record.last_updated, this.snapshot.stamp.at)


def _clash(this: Incoming, record: Record, clash: Clash) -> Found:
    return Found(
        kind="field",
        crm_id=this.snapshot.crm_id,
        record_id=record.id,
        field=clash.name,
        last_told=clash.last_told,
        local=clash.local,
        crm=clash.crm,
        policy=this.engine.policies.of(this.resource, clash.name),
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


def _refuse_taken(this: Incoming, record: Record, merged: Merged) -> list[Found]:
    """Keep our value where the CRM's would double that of another record: a person decides."""
    found = []
    for name in sorted(set(merged.taken) & set(this.resource.unique_fields)):
        other = records.by_unique_field(this.tx, this.resource, name, merged.local[name])
        if other is None or other.id == record.id:
            continue
        claimed = merged.local[name]
        merged.local[name] = record.fields[name]
        merged.copy.held.append(name)
        found.append(
            Found(
                kind="duplicate",
                crm_id=this.snapshot.crm_id,
                record_id=record.id,
                field=name,
                local=record.fields[name],
                crm=claimed,
                note=f"Its {name} belongs to the record {other.id}.",
            )
        )
    return found


def _claimed(this: Incoming, claim: Found) -> Applied:
    """Two CRM records claim one of ours: nothing is overwritten."""
    new = this.report(claim)
    if this.source.record_id is not None:  # the answer to our own create names a record that is somebody else's
        record = records.get(this.tx, this.resource, this.source.record_id, lock=True)
        assert record is not None
        record.status, record.error = "conflict", claim.note
        outbox.remove(this.tx, this.resource.name, record.id)
        records.save(this.tx, this.resource, record)
    return Applied("conflict", claim.record_id, conflicts=int(new))


def _apply_parked(this: Incoming) -> None:
    """Take in the deliveries that came before we knew this record."""
    for parked in inbox.parked_for(this.tx, this.resource.name, this.snapshot.crm_id):
        if parked.body is None:
            continue  # a question to the CRM, not news from it
        waiting = delivery.to_snapshot(parked.body)
        applied = apply(this.tx, this.engine, this.resource, waiting, Source("webhook", this.source.run_id))
        if applied.outcome not in {"ask", "unknown"}:
            inbox.settled(this.tx, parked.id, applied.outcome)
