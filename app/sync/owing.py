"""What a record owes the CRM, and the status that follows from it."""

from datetime import datetime

from sqlalchemy import Connection

from app.core.record import CrmCopy, Record
from app.core.resource import Resource
from app.store import conflicts, outbox
from app.sync import reconcile


def owes(resource: Resource, record: Record, copy: CrmCopy | None) -> bool:
    """Tell whether the CRM has yet to hear of this record."""
    if record.deleted_at is not None:
        return record.crm_id is not None and (copy is None or not copy.deleted)
    return copy is None or bool(reconcile.owed(resource.pushed_fields, record.fields, copy))


def settle_status(tx: Connection, resource: Resource, record: Record, copy: CrmCopy | None, due_at: datetime) -> None:
    """Bring status and outbox in line with what the record owes, after either side changed. The caller saves it."""
    if owes(resource, record, copy):
        if record.status in {"synced", "conflict"}:
            outbox.mark(tx, resource.name, record.id, due_at)
            record.status = "pending"
    elif outbox.remove_if_heard(tx, resource.name, record.id):
        record.status, record.error = "synced", None
    if conflicts.count_open(tx, resource.name, record.id):
        record.status = "conflict"
