"""What people decided that outlives a restart: the schedule that is paused, the conflicts that became a rule."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from app.core.kinds import format_time
from app.store.tables import settings as table
from app.store.upsert import upsert

RULE = "rule:"
PAUSED = "paused"


def put(tx: Connection, name: str, value: Any, by: str, now: datetime) -> None:
    upsert(tx, table, {"name": name, "value": value, "set_by": by, "set_at": now})


def get(tx: Connection, name: str) -> dict[str, Any] | None:
    """Return a setting with who set it and when."""
    row = tx.execute(select(table).where(table.c.name == name)).one_or_none()
    return None if row is None else {"value": row.value, "set_by": row.set_by, "set_at": format_time(row.set_at)}


def remove(tx: Connection, name: str) -> bool:
    return tx.execute(delete(table).where(table.c.name == name)).rowcount > 0


def rules(tx: Connection) -> dict[str, str]:
    """Return the policies that people made a rule, by `resource.field`."""
    rows = tx.execute(select(table).where(table.c.name.startswith(RULE, autoescape=True)).order_by(table.c.name))
    return {row.name.removeprefix(RULE): str(row.value) for row in rows}
