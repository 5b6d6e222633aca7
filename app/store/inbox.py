"""The inbox: deliveries seen, so that none is taken twice, and those parked until their record is known."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Integer, Row, bindparam, delete, func, insert, null, select, update

from app.store.tables import inbox as table
from app.store.upsert import add_if_new, is_over, one_of, over_at, upsert

SETTLED, PARKED, DROPPED, HELD = "settled", "parked", "dropped", "held"
ALL = 1_000_000
LONGEST_WAIT = timedelta(hours=1)
_PARKED_FOR = (
    select(table)
    .where(table.c.resource == bindparam("of"), one_of(table.c.crm_id, "crm_ids"), table.c.state == PARKED)
    .order_by(table.c.received_at, table.c.id)
)
_DUE = (
    select(table)
    .where(table.c.state == PARKED, is_over(table.c.due_at, "due"))
    .order_by(table.c.due_at)
    .limit(bindparam("most", type_=Integer))
    .with_for_update(skip_locked=True)
)
_MARK = update(table).where(table.c.id == bindparam("key"))
_NOTE = _MARK.values({name: bindparam(f"new_{name}") for name in ("state", "outcome", "body", "due_at")})
_SETTLE = _MARK.values(state=SETTLED, body=null(), due_at=null(), outcome=bindparam("new_outcome"))


@dataclass(frozen=True, slots=True)
class Parked:
    """A delivery that waits: for its record, or for the CRM to say what is true."""

    id: str
    resource: str
    crm_id: str
    body: dict[str, Any] | None
    received_at: datetime
    attempts: int


def remember(tx: Connection, identity: str, resource: str, crm_id: str, now: datetime) -> bool:
    """Note a delivery; False when it was here before."""
    row = {
        "id": identity,
        "resource": resource,
        "crm_id": crm_id,
        "state": SETTLED,
        "received_at": now,
        "attempts": 0,
    }
    return add_if_new(tx, table, row)


def settled(tx: Connection, identity: str, outcome: str) -> None:
    _note(tx, identity, SETTLED, outcome)


def park(tx: Connection, identity: str, body: dict[str, Any] | None, due_at: datetime) -> None:
    """Keep a delivery until `due_at`; with no body there is only a question to ask the CRM."""
    _note(tx, identity, PARKED, PARKED, body, due_at)


def drop(tx: Connection, identity: str, outcome: str) -> None:
    _note(tx, identity, DROPPED, outcome)


def _note(
    tx: Connection, identity: str, state: str, outcome: str,
    body: dict[str, Any] | None = None, due_at: datetime | None = None,
) -> None:  # fmt: skip
    values = {"new_state": state, "new_outcome": outcome, "new_body": body, "new_due_at": due_at}
    tx.execute(_NOTE, {"key": identity, **values})


def postpone(tx: Connection, parked: Parked, due_at: datetime) -> None:
    again = {"due_at": due_at, "attempts": parked.attempts + 1}
    tx.execute(update(table).where(table.c.id == parked.id, table.c.state == PARKED).values(again))


def parked_for(tx: Connection, resource: str, crm_ids: Collection[str]) -> list[Parked]:
    """Return what waits for some of the CRM's records, in the order in which it came."""
    return [_parked(row) for row in tx.execute(_PARKED_FOR, {"of": resource, "crm_ids": crm_ids})]


def ask(tx: Connection, resource: str, questions: Mapping[str, str], now: datetime) -> None:
    """Note questions that only the CRM can answer: our id of the question → the crm_id. The worker asks."""
    asked = {"state": PARKED, "outcome": PARKED, "received_at": now, "due_at": now, "attempts": 0}
    rows = [{"id": one, "resource": resource, "crm_id": crm_id, **asked} for one, crm_id in questions.items()]
    if rows:
        tx.execute(insert(table), rows)


def hold(tx: Connection, resource: str, bodies: Mapping[str, dict[str, Any]], now: datetime) -> None:
    """Keep deletions back, by crm_id, until the pull that brought them has come to its end."""
    kept = {"state": HELD, "outcome": HELD, "received_at": now, "due_at": None, "attempts": 0}
    rows = [
        {"id": f"held-{resource}-{crm_id}", "resource": resource, "crm_id": crm_id, "body": body, **kept}
        for crm_id, body in bodies.items()
    ]
    upsert(tx, table, *rows)


def held(tx: Connection, resource: str, limit: int) -> list[Parked]:
    query = select(table).where(table.c.resource == resource, table.c.state == HELD)
    return [_parked(row) for row in tx.execute(query.order_by(table.c.id).limit(limit))]


def count_held(tx: Connection, resource: str) -> int:
    where = (table.c.resource == resource, table.c.state == HELD)
    return tx.execute(select(func.count()).select_from(table).where(*where)).scalar_one()


def settle_many(tx: Connection, outcomes: Mapping[str, str]) -> None:
    """Settle what waited: id → outcome."""
    rows = [{"key": one, "new_outcome": what} for one, what in outcomes.items()]
    if rows:
        tx.execute(_SETTLE, rows)


def due(tx: Connection, now: datetime, until: datetime, limit: int) -> list[Parked]:
    """Take parked deliveries that are due; nobody else gets them before `until`."""
    rows = tx.execute(_DUE, {"most": limit, **over_at("due", now, LONGEST_WAIT)}).all()
    for row in rows:
        tx.execute(update(table).where(table.c.id == row.id).values(due_at=until))
    return [_parked(row) for row in rows]


def count_parked(tx: Connection, resource: str) -> tuple[int, datetime | None]:
    """Return how many deliveries wait, and since when the oldest does."""
    where = (table.c.resource == resource, table.c.state == PARKED)
    count, oldest = tx.execute(select(func.count(), func.min(table.c.received_at)).where(*where)).one()
    return count, oldest


def forget_before(tx: Connection, moment: datetime) -> int:
    """Forget deliveries that no sender repeats any more."""
    gone = delete(table).where(table.c.received_at < moment, table.c.state.not_in([PARKED, HELD]))
    return tx.execute(gone).rowcount


def _parked(row: Row[Any]) -> Parked:
    return Parked(
        id=row.id,
        resource=row.resource,
        crm_id=row.crm_id,
        body=row.body,
        received_at=row.received_at,
        attempts=row.attempts,
    )
