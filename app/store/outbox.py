"""The outbox: which records owe the CRM something, when to try, and who is trying. Never what they owe."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Integer, Row, Select, and_, bindparam, delete, func, or_, select, tuple_, update

from app.core.record import Fields
from app.store.tables import outbox as table
from app.store.upsert import is_over, one_of, over_at, upsert

LONGEST_WAIT = timedelta(hours=2)
LONGEST_LEASE = timedelta(minutes=10)
"""No entry waits longer, or is held longer: a moment beyond that was noted by a clock that has been set back."""
SHARE_OF_NEW = 10
"""One in so many of those claimed from a long backlog is the newest."""
SENT_KEPT = 5
"""How many sent forms of a record are remembered while no outcome is known."""
_OF_THOSE = (table.c.resource == bindparam("of"), one_of(table.c.record_id, "ids"))
_IS_FREE = or_(table.c.lease_until.is_(None), is_over(table.c.lease_until, "lease"))
_THOSE = select(table).where(*_OF_THOSE).order_by(table.c.record_id)
_THOSE_LOCKED = _THOSE.with_for_update()
_CREATING = select(table.c.record_id).where(table.c.resource == bindparam("of"), table.c.creating.is_not(None)).limit(1)
_REMOVE = delete(table).where(*_OF_THOSE)
_WAKE = update(table).where(one_of(table.c.waits_for, "ids")).values(due_at=bindparam("now"), waits_for=None)


@dataclass(frozen=True, slots=True)
class Owed:
    """One entry of the outbox. Its methods return what it becomes; nothing is written here."""

    resource: str
    record_id: str
    owed_since: datetime
    due_at: datetime
    rounds: int = 0
    lease: str | None = None
    lease_until: datetime | None = None
    sent: tuple[Fields, ...] = ()
    creating: dict[str, Any] | None = None
    reason: str | None = None
    notified_at: datetime | None = None
    run_id: str | None = None
    waits_for: str | None = None
    """The record that this one refers to and that has to be in the CRM first."""

    @property
    def is_unsure(self) -> bool:
        """Tell whether something was sent whose fate is not known."""
        return bool(self.sent) or self.creating is not None

    def is_free(self, now: datetime) -> bool:
        return self.lease_until is None or not now < self.lease_until <= now + LONGEST_LEASE

    def is_due(self, now: datetime) -> bool:
        return not now < self.due_at <= now + LONGEST_WAIT

    def marked(self, now: datetime, due_at: datetime | None = None) -> "Owed":
        """It owes something new: tried at the new time, and a record that was given up begins its day anew."""
        since = self.owed_since if self.notified_at is None else now
        anew: dict[str, Any] = {"rounds": 0, "notified_at": None, "reason": None, "waits_for": None}
        return replace(self, due_at=due_at or now, owed_since=since, **anew)

    def claimed(self, lease: str, until: datetime, run_id: str | None) -> "Owed":
        return replace(self, lease=lease, lease_until=until, run_id=run_id, waits_for=None)

    def waiting(self, record_id: str, due_at: datetime) -> "Owed":
        """It is put aside until a record that it refers to is in the CRM, and looked at again at `due_at`."""
        return replace(self, due_at=due_at, waits_for=record_id, lease=None, lease_until=None)

    def sending(self, sent: Fields, creating: dict[str, Any] | None) -> "Owed":
        """It is about to be sent: noted, so that it is recognised as ours however it comes back."""
        kept = (*self.sent, *((sent,) if sent else ()))[-SENT_KEPT:]
        return replace(self, sent=kept, creating=creating)

    def again(self, now: datetime) -> "Owed":
        """The CRM has answered what was sent, and the record owes it more by now."""
        known: dict[str, Any] = {"sent": (), "creating": None, "reason": None, "rounds": 0, "due_at": now}
        return replace(self, lease=None, lease_until=None, run_id=None, **known)

    def postponed(self, due_at: datetime, reason: str, *, forget: "Owed | None" = None) -> "Owed":
        """A push had no outcome, or one that did nothing: then what it sent is forgotten, as it was before it."""
        sent = self if forget is None else forget
        return replace(
            self,
            due_at=due_at,
            rounds=self.rounds + 1,
            reason=reason,
            lease=None,
            lease_until=None,
            sent=sent.sent,
            creating=sent.creating,
        )


_NAMES = tuple(one.name for one in fields(Owed))


def get(tx: Connection, resource: str, record_id: str) -> Owed | None:
    return get_many(tx, resource, [record_id]).get(record_id)


def get_many(tx: Connection, resource: str, ids: Collection[str], *, lock: bool = False) -> dict[str, Owed]:
    rows = tx.execute(_THOSE_LOCKED if lock else _THOSE, {"of": resource, "ids": ids})
    return {row.record_id: _owed(row) for row in rows}


def save(tx: Connection, entries: Iterable[Owed]) -> None:
    """Write entries as they now are. Whoever does it holds the records, so nobody else writes them."""
    upsert(tx, table, *(_row(entry) for entry in entries))


def remove(tx: Connection, resource: str, ids: Collection[str]) -> None:
    tx.execute(_REMOVE, {"of": resource, "ids": ids})


def claimable(
    tx: Connection, now: datetime, limit: int, *,
    resources: Collection[str] | None = None, ids: Collection[str] | None = None,
) -> list[tuple[str, str]]:  # fmt: skip
    """Return (resource, record id) of entries that nobody holds and that are due, the longest waiting first.

    Of more than can be had, a tenth are the newest: who edits a record now does not wait for a long backlog.
    Named records (`ids`) are due at once. Nothing is locked: a record is locked before its entry, here as everywhere.
    """
    form = (ids is not None, resources is not None)
    given = {"ids": ids, "resources": resources, **over_at("due", now, LONGEST_WAIT), **_leases_over_at(now)}
    found = _named(tx, _claimable(*form), given | {"most": limit})
    if ids is not None or len(found) < limit:
        return found
    newest = _named(tx, _claimable(*form, newest_first=True), given | {"most": limit // SHARE_OF_NEW})
    return [one for one in found if one not in newest][: limit - len(newest)] + newest


@cache
def _claimable(by_id: bool, by_resource: bool, *, newest_first: bool = False) -> Select[Any]:
    query = select(table.c.resource, table.c.record_id).where(_IS_FREE)
    query = query.where(one_of(table.c.record_id, "ids") if by_id else is_over(table.c.due_at, "due"))
    if by_resource:
        query = query.where(one_of(table.c.resource, "resources"))
    order = table.c.record_id if by_id else table.c.due_at.desc() if newest_first else table.c.due_at
    return query.order_by(order).limit(bindparam("most", type_=Integer))


def _named(tx: Connection, query: Select[Any], given: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(row.resource, row.record_id) for row in tx.execute(query, given)]


def of_resource(tx: Connection, resource: str, after: str, limit: int) -> list[Owed]:
    """Return entries in the order of their records, a page at a time."""
    query = select(table).where(table.c.resource == resource, table.c.record_id > after)
    return [_owed(row) for row in tx.execute(query.order_by(table.c.record_id).limit(limit))]


def _leases_over_at(now: datetime) -> dict[str, datetime]:
    return over_at("lease", now, LONGEST_LEASE)


def is_creating(tx: Connection, resource: str) -> bool:
    """Tell whether some create may have arrived in the CRM without our knowing its crm_id."""
    return tx.execute(_CREATING, {"of": resource}).first() is not None


def hasten(tx: Connection, now: datetime, reason: str | None = None) -> int:
    """Make due now what waits for `reason`, or for anything: the CRM is back, or the clock was set back."""
    late = table.c.due_at > now + timedelta(seconds=1)
    wanted = late if reason is None else and_(late, table.c.reason == reason)
    # What another writer holds is passed over: it is being pushed anyway, and waiting for it could be a circle.
    waiting = select(*table.primary_key).where(wanted).with_for_update(skip_locked=True)
    named = tuple_(*table.primary_key).in_(waiting)
    return tx.execute(update(table).where(named).values(due_at=now)).rowcount


def wake(tx: Connection, ids: Collection[str], now: datetime) -> None:
    """Make due now what waits for some records to be in the CRM: they are there, or never will be."""
    if ids:
        tx.execute(_WAKE, {"ids": ids, "now": now})


def backlog(tx: Connection, resource: str) -> tuple[int, datetime | None]:
    """Return how many records owe the CRM something, and since when the oldest does."""
    query = select(func.count(), func.min(table.c.owed_since)).where(table.c.resource == resource)
    count, oldest = tx.execute(query).one()
    return count, oldest


def _row(entry: Owed) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in _NAMES} | {"sent": list(entry.sent)}


def _owed(row: Row[Any]) -> Owed:
    values = dict(row._mapping)  # noqa: SLF001  (SQLAlchemy's documented name)
    return Owed(**values | {"sent": tuple(row.sent)})
