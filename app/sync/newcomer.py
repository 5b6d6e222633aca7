"""A CRM record that we have no record for: make one, or say why that cannot be."""

from app.core.record import CrmCopy, Record
from app.core.schema import summary
from app.store import journal
from app.store.conflicts import Found
from app.sync.incoming import Applied, Incoming


def welcome(this: Incoming) -> Applied:
    """Make a record of one that the CRM created; a message about some fields is not enough for that."""
    snapshot = this.snapshot
    if not snapshot.whole:
        return Applied("unknown")
    if snapshot.deleted:
        return Applied("gone")
    if this.work.unknown(snapshot):
        return Applied("ask")  # what it refers to comes first
    told, wrong = this.work.read(snapshot)
    required = [name for name, one in this.resource.fields.items() if one.required]
    missing = {name: ["Missing."] for name in required if told.get(name) is None} | wrong
    if missing.keys() & set(required):
        note = f"It cannot be a {this.resource.singular} here. {summary(missing)}"
        new = this.report(Found("invalid", snapshot.crm_id, crm=dict(snapshot.fields), resolution="local", note=note))
        return Applied("invalid", conflicts=int(new))
    return Applied("applied", _add(this, told), sorted(told), kind="created")


def _add(this: Incoming, told: dict[str, object]) -> str:
    snapshot, now = this.snapshot, this.now
    record = Record(
        resource=this.resource.name,
        id=this.engine.world.new_id(),
        fields=this.resource.whole(told),
        created_at=now,
        last_updated=min(snapshot.stamp.at or now, now),
        status="synced",
        crm_id=snapshot.crm_id,
    )
    copy = CrmCopy(snapshot.crm_id, dict(told), snapshot.stamp.version, dict.fromkeys(told, snapshot.stamp))
    this.work.add(record)
    this.work.copies.put(record.id, copy)
    changed = journal.differences({}, record.fields)
    this.work.journal.append(journal.Entry.about(record, changed, this.source.origin, this.source.run_id))
    return record.id
