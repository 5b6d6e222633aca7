"""Runs and their parts, the cursors of the pulls, and the leases that keep two runs from doing the same work."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, not_, or_, select, update

from app.core.kinds import format_time
from app.store.tables import cursors, leases, run_parts, runs
from app.store.upsert import add_if_new, is_over, over_at, upsert

RUNNING = "running"
LONGEST_LEASE = timedelta(minutes=10)
_IS_SILENT = or_(runs.c.alive_until.is_(None), is_over(runs.c.alive_until, "alive"))
_DEAD = select(runs).where(runs.c.status == RUNNING, _IS_SILENT).order_by(runs.c.started_at)
_IS_PAST = is_over(leases.c.until, "lease")
_NAMED = select(leases.c.name).where(leases.c.name == bindparam("one"), not_(_IS_PAST))
_CURSOR = select(cursors).where(cursors.c.resource == bindparam("of"))
_PART = update(run_parts).where(run_parts.c.run_id == bindparam("run"), run_parts.c.resource == bindparam("of"))
_SAVE_PART = _PART.values(counts=bindparam("new_counts"))
_SAY_ALIVE = update(runs).where(runs.c.id == bindparam("run")).values(alive_until=bindparam("new_until"))
_KEEP_LEASE = (
    update(leases)
    .where(leases.c.name == bindparam("one"), leases.c.holder == bindparam("run"))
    .values(until=bindparam("new_until"))
)


def start(tx: Connection, run: dict[str, Any]) -> None:
    """Write down a run and its parts, before it does anything."""
    tx.execute(insert(runs), run)
    parts = [
        {"run_id": run["id"], "resource": name, "status": RUNNING, "counts": run["counts"], "left": []}
        for name in run["resources"]
    ]
    if parts:
        tx.execute(insert(run_parts), parts)


def save_part(tx: Connection, run_id: str, resource: str, counts: dict[str, Any]) -> None:
    tx.execute(_SAVE_PART, {"run": run_id, "of": resource, "new_counts": counts})


def finish_part(tx: Connection, run_id: str, resource: str, status: str, error: str | None, now: datetime) -> None:
    tx.execute(_part(run_id, resource).values(status=status, error=error, finished_at=now))


def parts(tx: Connection, run_id: str) -> dict[str, dict[str, Any]]:
    """Return the parts of a run by resource: status, counts and error."""
    query = select(run_parts).where(run_parts.c.run_id == run_id).order_by(run_parts.c.resource)
    return {
        row.resource: {"status": row.status, **row.counts, "error": row.error, "left": row.left}
        for row in tx.execute(query)
    }


def save_left(tx: Connection, run_id: str, resource: str, left: list[dict[str, Any]]) -> None:
    tx.execute(_part(run_id, resource).values(left=left))


def alive(tx: Connection, run_id: str, lease: str, until: datetime) -> None:
    """Say that a run is at work, and keep its lease."""
    tx.execute(_SAY_ALIVE, {"run": run_id, "new_until": until})
    tx.execute(_KEEP_LEASE, {"one": lease, "run": run_id, "new_until": until})


def finish(tx: Connection, run_id: str, status: str, counts: dict[str, Any], error: str | None, now: datetime) -> None:
    after = {"status": status, "counts": counts, "error": error, "finished_at": now, "alive_until": None}
    tx.execute(update(runs).where(runs.c.id == run_id).values(after))


def move_status(tx: Connection, run_id: str, before: str, after: str) -> bool:
    """Say what a person made of a run that had ended; False when it did not stand as it did before."""
    moving = update(runs).where(runs.c.id == run_id, runs.c.status == before).values(status=after)
    return tx.execute(moving).rowcount == 1


def dead(tx: Connection, now: datetime) -> list[dict[str, Any]]:
    """Return runs that were cut off: not finished, and silent for too long."""
    return [_shown(row) for row in tx.execute(_DEAD, over_at("alive", now, LONGEST_LEASE))]


def take_over(tx: Connection, run_id: str, now: datetime, until: datetime) -> bool:
    """Go on with a run that was cut off; False when somebody else was faster."""
    mine = update(runs).where(runs.c.id == run_id, runs.c.status == RUNNING, _IS_SILENT)
    taken = mine.values(alive_until=until, resumed=runs.c.resumed + 1)
    return tx.execute(taken, over_at("alive", now, LONGEST_LEASE)).rowcount == 1


def get(tx: Connection, run_id: str) -> dict[str, Any] | None:
    """Return a run with its parts, as it is shown."""
    row = tx.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
    return None if row is None else _shown(row) | {"parts": parts(tx, run_id)}


def latest(tx: Connection, limit: int, offset: int = 0) -> list[dict[str, Any]]:
    query = select(runs).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit).offset(offset)
    return [_shown(row) for row in tx.execute(query)]


def count(tx: Connection) -> int:
    return tx.execute(select(func.count()).select_from(runs)).scalar_one()


def last_part(tx: Connection, resource: str, statuses: Collection[str] = ()) -> dict[str, Any] | None:
    """Return the part of a resource that ended last, of those with one of `statuses`."""
    query = select(run_parts).where(run_parts.c.resource == resource, run_parts.c.finished_at.is_not(None))
    if statuses:
        query = query.where(run_parts.c.status.in_(statuses))
    row = tx.execute(query.order_by(run_parts.c.finished_at.desc()).limit(1)).one_or_none()
    if row is None:
        return None
    return {"run_id": row.run_id, "status": row.status, "finished_at": format_time(row.finished_at), **row.counts}


def outcomes(tx: Connection, resource: str, limit: int) -> list[tuple[str, dict[str, Any]]]:
    """Return status and counts of the last parts of a resource, the newest first."""
    query = select(run_parts.c.status, run_parts.c.counts).where(
        run_parts.c.resource == resource, run_parts.c.finished_at.is_not(None)
    )
    rows = tx.execute(query.order_by(run_parts.c.finished_at.desc()).limit(limit))
    return [(row.status, row.counts) for row in rows]


def cursor(tx: Connection, resource: str) -> tuple[str | None, datetime | None]:
    """Return where the next pull of a resource begins, and when the last one came to its end."""
    row = tx.execute(_CURSOR, {"of": resource}).one_or_none()
    return (None, None) if row is None else (row.cursor, row.pulled_at)


def save_cursor(tx: Connection, resource: str, cursor: str | None, ended_at: datetime | None = None) -> None:
    """Note where the next pull begins; `ended_at` says that this one has come to its end."""
    ended = {} if ended_at is None else {"pulled_at": ended_at}
    upsert(tx, cursors, {"resource": resource, "cursor": cursor, **ended})


def take_lease(tx: Connection, name: str, holder: str, now: datetime, until: datetime) -> bool:
    """Take or renew a lease; False while somebody else holds it."""
    if add_if_new(tx, leases, {"name": name, "holder": holder, "until": until}):
        return True
    free = or_(leases.c.holder == holder, _IS_PAST)
    taken = update(leases).where(leases.c.name == name, free).values(holder=holder, until=until)
    return tx.execute(taken, over_at("lease", now, LONGEST_LEASE)).rowcount == 1


def is_leased(tx: Connection, name: str, now: datetime, *, but_by: str | None = None) -> bool:
    """Tell whether somebody holds a lease, other than `but_by`."""
    query = _NAMED if but_by is None else _NAMED.where(leases.c.holder != but_by)
    return tx.execute(query, {"one": name, **over_at("lease", now, LONGEST_LEASE)}).first() is not None


def release_lease(tx: Connection, name: str, holder: str) -> None:
    tx.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))


def _part(run_id: str, resource: str) -> Any:
    return update(run_parts).where(run_parts.c.run_id == run_id, run_parts.c.resource == resource)


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "direction": row.direction,
        "resources": row.resources,
        "batch_size": row.batch_size,
        "policy": row.policy,
        "asked_by": row.asked_by,
        "status": row.status,
        **row.counts,
        "error": row.error,
        "started_at": format_time(row.started_at),
        "finished_at": format_time(row.finished_at),
        "resumed": row.resumed,
        "rolls_back": row.rolls_back,
    }
