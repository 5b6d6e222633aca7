"""Keeps the queries on webhooks: who wants them, and which are still to be delivered."""

import json
import secrets
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mock_crm.writing import Change

KEPT = 1000
"""Finished deliveries that are kept for people to look at."""


@dataclass(frozen=True, slots=True)
class Delivery:
    id: int
    message_id: str
    tries: int
    """How often it was tried before."""
    body: str
    url: str
    secret: str


@dataclass(frozen=True, slots=True)
class Posting:
    """How one change goes out to one webhook. Injected faults differ from the usual one."""

    change: Change
    lane: str = ""
    """Deliveries of one lane go out strictly one after the other. The usual lane is the record's own."""
    state: str = "waiting"
    delay: float = 0
    copies: int = 1


def subscribe(
    db: sqlite3.Connection, url: str, secret: str, resources: Sequence[str] | None, now: str
) -> tuple[int, bool]:
    """The subscription's id, and whether it is new: one URL subscribes once."""
    wanted = None if resources is None else json.dumps(list(resources))
    cursor = db.execute(
        "INSERT OR IGNORE INTO webhooks (url, secret, resources, created_at) VALUES (?, ?, ?, ?)",
        (url, secret, wanted, now),
    )
    if cursor.rowcount:
        return int(cursor.lastrowid or 0), True
    db.execute("UPDATE webhooks SET secret = ?, resources = ? WHERE url = ?", (secret, wanted, url))
    (number,) = db.execute("SELECT id FROM webhooks WHERE url = ?", (url,)).fetchone()
    return int(number), False


def unsubscribe(db: sqlite3.Connection, number: int) -> bool:
    return db.execute("DELETE FROM webhooks WHERE id = ?", (number,)).rowcount > 0


def subscriptions(db: sqlite3.Connection) -> list[dict[str, Any]]:
    rows = db.execute("SELECT id, url, resources, created_at FROM webhooks ORDER BY id")
    return [
        {"id": number, "url": url, "resources": json.loads(resources) if resources else None, "created_at": created_at}
        for number, url, resources, created_at in rows
    ]


def add(db: sqlite3.Connection, subscribed: Iterable[dict[str, Any]], posting: Posting, now: float) -> None:
    """Queue one change for everyone who wants it."""
    record = posting.change.record
    for each in subscribed:
        if each["resources"] is not None and posting.change.resource not in each["resources"]:
            continue
        row = (
            each["id"],
            f"msg_{secrets.token_hex(12)}",
            f"{each['id']}:{posting.lane or record.number}",
            posting.state,
            now + posting.delay,
            record.crm_id,
            posting.change.event,
            record.updated_at,
            _body(posting.change),
        )
        db.executemany(
            "INSERT INTO deliveries (webhook, message_id, lane, state, due, crm_id, event, created_at, body)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [row] * posting.copies,
        )


def _body(change: Change) -> str:
    return json.dumps(
        {
            "crm_id": change.record.crm_id,
            **change.record.fate(),
            "resource": change.resource,
            "event": change.event,
            "updated_fields": change.updated_fields,
            "timestamp": change.record.updated_at,
            "version": change.record.version,
            "external_id": change.record.external_id,
        }
    )


def release_held(db: sqlite3.Connection, lane: str = "") -> None:
    """Put what a shuffle held (in one lane, or everywhere) back into the queue, last one first."""
    columns = "webhook, message_id, lane, due, crm_id, event, created_at, body"
    db.execute(
        f"INSERT INTO deliveries ({columns}, state) SELECT {columns}, 'waiting' FROM deliveries"  # noqa: S608 - constants
        " WHERE state = 'held' AND lane LIKE ? ORDER BY id DESC",
        (f"%:{lane or '%'}",),
    )
    db.execute("DELETE FROM deliveries WHERE state = 'held' AND lane LIKE ?", (f"%:{lane or '%'}",))


def due(db: sqlite3.Connection, now: float, limit: int) -> tuple[list[Delivery], float | None]:
    """The first delivery of every lane whose time has come, and the time when to look again."""
    rows = db.execute(
        "SELECT d.id, d.message_id, d.tries, d.body, w.url, w.secret FROM deliveries d"
        " JOIN webhooks w ON w.id = d.webhook WHERE d.state = 'waiting' AND d.due <= ? AND NOT EXISTS"
        " (SELECT 1 FROM deliveries e WHERE e.state = 'waiting' AND e.lane = d.lane AND e.id < d.id)"
        " ORDER BY d.due, d.id LIMIT ?",
        (now, limit),
    )
    found = [Delivery(*row) for row in rows]
    (later,) = db.execute("SELECT min(due) FROM deliveries WHERE state = 'waiting' AND due > ?", (now,)).fetchone()
    return found, later


def finish(db: sqlite3.Connection, number: int, state: str, outcome: str) -> None:
    db.execute("UPDATE deliveries SET state = ?, tries = tries + 1, outcome = ? WHERE id = ?", (state, outcome, number))


def postpone(db: sqlite3.Connection, number: int, until: float, outcome: str) -> None:
    db.execute("UPDATE deliveries SET due = ?, tries = tries + 1, outcome = ? WHERE id = ?", (until, outcome, number))


def waiting(db: sqlite3.Connection) -> int:
    (count,) = db.execute("SELECT count(*) FROM deliveries WHERE state IN ('waiting', 'held')").fetchone()
    return int(count)


def recent(db: sqlite3.Connection, limit: int) -> list[dict[str, Any]]:
    cursor = db.execute(
        "SELECT d.crm_id, d.event, d.created_at, d.state, d.tries, d.outcome, w.url FROM deliveries d"
        " JOIN webhooks w ON w.id = d.webhook ORDER BY d.id DESC LIMIT ?",
        (limit,),
    )
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def tidy(db: sqlite3.Connection, now: float) -> None:
    """After a start: forget old finished deliveries, and let everything go that a pause or a fault held."""
    db.execute(
        "DELETE FROM deliveries WHERE state NOT IN ('waiting', 'held') AND id <= (SELECT max(id) FROM deliveries) - ?",
        (KEPT,),
    )
    release_held(db)
    db.execute("UPDATE deliveries SET due = ? WHERE state = 'waiting'", (now,))
