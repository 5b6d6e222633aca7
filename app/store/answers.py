"""Answers to requests that carried an Idempotency-Key, so that a repeat gets the same one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from app.store.tables import answers as table
from app.store.upsert import add_if_new


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of an earlier request; `body` is None while it is at work, or was cut off."""

    fingerprint: str
    record_id: str
    body: dict[str, Any] | None
    created_at: datetime


def begin(tx: Connection, key: str, fingerprint: str, resource: str, record_id: str, now: datetime) -> bool:
    """Take a key; False when another request had it first."""
    row = {
        "key": key,
        "fingerprint": fingerprint,
        "resource": resource,
        "record_id": record_id,
        "created_at": now,
    }
    return add_if_new(tx, table, row)


def get(tx: Connection, key: str) -> Answer | None:
    row = tx.execute(select(table).where(table.c.key == key)).one_or_none()
    return None if row is None else Answer(row.fingerprint, row.record_id, row.body, row.created_at)


def keep(tx: Connection, key: str, body: dict[str, Any]) -> None:
    tx.execute(update(table).where(table.c.key == key).values(body=body))


def forget_before(tx: Connection, moment: datetime) -> int:
    return tx.execute(delete(table).where(table.c.created_at < moment)).rowcount
