"""The outbox: which records owe the CRM something, when to try, and who is trying. Never what they owe."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, case, delete, func, or_, select, tuple_, update

from app.core.record import Fields
from app.store.tables import outbox as table
from app.store.upsert import insert

SENT_KEPT = 5
"""How many sent forms of a record are remembered while no outcome is known."""


@dataclass(frozen=True, slots=True)
class Owed:
    """One entry of the outbox, as it was when it was claimed."""

    resource: str
    record_id: str
    owed_since: datetime
    due_at: datetime
    rounds: int
    lease: str | None
    lease_until: datetime | None
    sent: list[Fields]
    creating: dict[str, Any] | None
    reason: str | None
    notified_at: datetime | None


def mark(tx: Connection, resource: str, record_id: str, now: datetime, *, due_at: datetime | None = None) -> None:
    """Note that a record owes the CRM something; one that owed already is tried at the new time."""
    row = {
        "resource": resource,
        "record_id": record_id,
        "owed_since": now,
        "due_at": due_at or now,
        "rounds": 0,
        "sent": [],
    }
    statement = insert(tx, table)
    again = {
        "due_at": statement.excluded.due_at,
        "rounds": 0,
        "owed_since": _restarted(statement.excluded.owed_since),
        "notified_at": None,
        "reason": None,
    }
    tx.execute(statement.on_conflict_do_update(index_elements=["resource", "record_id"], set_=again), row)


def _restarted(now: Any) -> Any:
    """Keep since when the record has been owing, unless it was given up: then its day begins anew."""
    return case((table.c.notified_at.is_not(None), now), else_=table.c.owed_since)


def claimable(
    tx: Connection, now: datetime, limit: int, *, resources: Collection[str] | None = None, record_id: str | None = None
) -> list[tuple[str, str]]:
    """Return (resource, record id) of entries that nobody holds and that are due, the longest waiting first.

    A named record is due at once. Nothing is locked: a record is locked before its entry, here as everywhere.
    """
    query = select(table.c.resource, table.c.record_id).where(_is_free(now))
    query = query.where(table.c.due_at <= now if record_id is None else table.c.record_id == record_id)
    if resources is not None:
        query = query.where(table.c.resource.in_(resources))
    return [(row.resource, row.record_id) for row in tx.execute(query.order_by(table.c.due_at).limit(limit))]


def claim(
    tx: Connection, resource: str, record_id: str, now: datetime, lease: str, lease_until: datetime
) -> Owed | None:
    """Take an entry whose record is locked; None when somebody was faster."""
    taken = _at(resource, record_id).where(_is_free(now)).values(lease=lease, lease_until=lease_until)
    row = tx.execute(taken.returning(*table.c)).one_or_none()
    return None if row is None else _owed(row, lease, lease_until)


def _is_free(now: datetime) -> Any:
    return or_(table.c.lease_until.is_(None), table.c.lease_until <= now)


def get(tx: Connection, resource: str, record_id: str, *, lock: bool = False) -> Owed | None:
    query = select(table).where(table.c.resource == resource, table.c.record_id == record_id)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _owed(row, row.lease, row.lease_until)


def sending(tx: Connection, owed: Owed, sent: Fields, creating: dict[str, Any] | None) -> None:
    """Note what is about to be sent, so that it is recognised as ours however it comes back."""
    kept = [*owed.sent, *([sent] if sent else [])][-SENT_KEPT:]
    tx.execute(_at(owed.resource, owed.record_id).values(sent=kept, creating=creating))


def again(tx: Connection, owed: Owed, now: datetime) -> None:
    """The CRM has answered what was sent, and the record owes it more by now."""
    known: dict[str, Any] = {"sent": [], "creating": None, "reason": None, "rounds": 0, "due_at": now}
    tx.execute(_at(owed.resource, owed.record_id).values(lease=None, lease_until=None, **known))


def postpone(tx: Connection, owed: Owed, due_at: datetime, reason: str, *, forget: bool = False) -> bool:
    """Plan the next try of a push without an outcome, or with one that did nothing (`forget` what was sent).

    False when the entry is not ours any more.
    """
    after: dict[str, Any] = {"due_at": due_at, "rounds": owed.rounds + 1, "reason": reason}
    if forget:
        after |= {"sent": owed.sent, "creating": owed.creating}
    held = table.c.lease == owed.lease
    planned = _at(owed.resource, owed.record_id).where(held).values(lease=None, lease_until=None, **after)
    return tx.execute(planned).rowcount > 0


def holds(tx: Connection, owed: Owed) -> bool:
    """Tell whether an entry is still ours: it may have been settled, or taken over when our lease ran out."""
    entry = get(tx, owed.resource, owed.record_id, lock=True)
    return entry is not None and entry.lease == owed.lease


def notified(tx: Connection, owed: Owed, now: datetime) -> None:
    tx.execute(_at(owed.resource, owed.record_id).values(notified_at=now))


def remove(tx: Connection, resource: str, record_id: str) -> None:
    tx.execute(delete(table).where(table.c.resource == resource, table.c.record_id == record_id))


def remove_if_heard(tx: Connection, resource: str, record_id: str) -> bool:
    """Remove an entry unless something was sent whose fate is not known; tell whether nothing is left."""
    entry = get(tx, resource, record_id, lock=True)
    if entry is None:
        return True
    if entry.sent or entry.creating is not None:
        return False
    remove(tx, resource, record_id)
    return True


def hasten(tx: Connection, now: datetime, reason: str) -> int:
    """Make due now what waits for `reason`: the CRM is back."""
    late = table.c.due_at > now + timedelta(seconds=1)
    # What another writer holds is passed over: it is being pushed anyway, and waiting for it could be a circle.
    waiting = select(*table.primary_key).where(table.c.reason == reason, late).with_for_update(skip_locked=True)
    named = tuple_(*table.primary_key).in_(waiting)
    return tx.execute(update(table).where(named).values(due_at=now)).rowcount


def backlog(tx: Connection, resource: str) -> tuple[int, datetime | None]:
    """Return how many records owe the CRM something, and since when the oldest does."""
    query = select(func.count(), func.min(table.c.owed_since)).where(table.c.resource == resource)
    count, oldest = tx.execute(query).one()
    return count, oldest


def _at(resource: str, record_id: str) -> Any:
    return update(table).where(table.c.resource == resource, table.c.record_id == record_id)


def _owed(row: Row[Any], lease: str | None, lease_until: datetime | None) -> Owed:
    return Owed(
        resource=row.resource,
        record_id=row.record_id,
        owed_since=row.owed_since,
        due_at=row.due_at,
        rounds=row.rounds,
        lease=lease,
        lease_until=lease_until,
        sent=list(row.sent),
        creating=row.creating,
        reason=row.reason,
        notified_at=row.notified_at,
    )
