"""Runs, their cursors and the leases that keep two of them from doing the same work."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update

from app.core.kinds import format_time
from app.store.tables import cursors, leases, runs
from app.store.upsert import add_if_new, upsert


def start(tx: Connection, run: dict[str, Any]) -> None:
    tx.execute(insert(runs), run)


def finish(tx: Connection, run_id: str, status: str, counts: dict[str, Any], error: str | None, now: datetime) -> None:
    after = {"status": status, "counts": counts, "error": error, "finished_at": now}
    tx.execute(update(runs).where(runs.c.id == run_id).values(after))


def count_up(tx: Connection, run_id: str, counts: dict[str, Any]) -> None:
    tx.execute(update(runs).where(runs.c.id == run_id).values(counts=counts))


def get(tx: Connection, run_id: str) -> dict[str, Any] | None:
    row = tx.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
    return None if row is None else _shown(row)


def latest(tx: Connection, limit: int, offset: int = 0) -> list[dict[str, Any]]:
    query = select(runs).order_by(runs.c.started_at.desc(), runs.c.id.desc()).limit(limit).offset(offset)
    return [_shown(row) for row in tx.execute(query)]


def count(tx: Connection) -> int:
    return tx.execute(select(func.count()).select_from(runs)).scalar_one()


def cursor(tx: Connection, resource: str) -> tuple[str | None, datetime | None]:
    """Return where the next pull of a resource begins, and when the last one came to its end."""
    row = tx.execute(select(cursors).where(cursors.c.resource == resource)).one_or_none()
    return (None, None) if row is None else (row.cursor, row.pulled_at)


def save_cursor(tx: Connection, resource: str, cursor: str | None, now: datetime) -> None:
    upsert(tx, cursors, {"resource": resource, "cursor": cursor, "pulled_at": now})


def take_lease(tx: Connection, name: str, holder: str, now: datetime, until: datetime) -> bool:
    """Take or renew a lease; False while somebody else holds it."""
    if add_if_new(tx, leases, {"name": name, "holder": holder, "until": until}):
        return True
    free = or_(leases.c.holder == holder, leases.c.until <= now)
    taken = update(leases).where(leases.c.name == name, free).values(holder=holder, until=until)
    return tx.execute(taken).rowcount == 1


def release_lease(tx: Connection, name: str, holder: str) -> None:
    tx.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))


def _shown(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "direction": row.direction,
        "resources": row.resources,
        "asked_by": row.asked_by,
        "status": row.status,
        **row.counts,
        "error": row.error,
        "started_at": format_time(row.started_at),
        "finished_at": format_time(row.finished_at),
    }
