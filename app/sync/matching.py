"""Which record a CRM record belongs to: by crm_id, then external_id, then a unique field of a record without a link."""

from dataclasses import dataclass

from sqlalchemy import Connection

from app.core import mapping
from app.core.record import Record, Snapshot
from app.core.resource import Resource
from app.store import outbox, records
from app.store.conflicts import Found


@dataclass(frozen=True)
class Match:
    """The record that was found, or why there is none: a claim that a person decides, or a wait for our own create."""

    record: Record | None = None
    claim: Found | None = None
    wait: bool = False


def match(tx: Connection, resource: Resource, snapshot: Snapshot, record_id: str | None = None) -> Match:
    """Find the record for a snapshot; `record_id` is known when this is the answer to our own push."""
    linked = records.by_crm_id(tx, resource, snapshot.crm_id, lock=True)
    if linked is not None and record_id in {None, linked.id}:
        return Match(linked)
    wanted = record_id or snapshot.external_id
    ours = None if wanted is None else records.get(tx, resource, wanted, lock=True)
    if ours is not None and snapshot.deleted and snapshot.crm_id != ours.crm_id and ours.crm_id is not None:
        return Match()  # an old twin of a linked record goes away: nothing to claim
    if ours is not None:
        # Where two transactions link one record at once, the second one finds it linked as it wanted it.
        if ours.crm_id == snapshot.crm_id or (linked is None and ours.crm_id is None):
            return Match(ours)
        other = linked.id if linked is not None else ours.crm_id
        return Match(claim=_claim(snapshot, ours, "id", f"It claims a record that is linked with {other} already."))
    return _by_unique_field(tx, resource, snapshot) if snapshot.whole and not snapshot.deleted else Match()


def _by_unique_field(tx: Connection, resource: Resource, snapshot: Snapshot) -> Match:
    fields, _ = mapping.from_crm(resource, snapshot.fields)
    for name in resource.unique_fields:
        found = records.by_unique_field(tx, resource, name, fields.get(name))
        if found is None:
            continue
        if found.crm_id == snapshot.crm_id:
            return Match(found)
        if found.crm_id is not None:
            return Match(claim=_claim(snapshot, found, name, f"Its {name} belongs to a record linked with another."))
        owed = outbox.get(tx, resource.name, found.id, lock=True)
        # Our own create may be under way: linking now would make its answer a second link.
        return Match(wait=True) if owed is not None and owed.creating is not None else Match(found)
    return Match()


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
