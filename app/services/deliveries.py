"""Webhooks: each delivery is remembered and merged in one transaction, or parked until its record is known."""

from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from app.core.db import transact
from app.core.errors import Invalid, Messages
from app.core.kinds import parse_time
from app.store import inbox
from app.store.work import Work
from app.sync import delivery, pull, schedule
from app.sync.engine import Engine
from app.sync.following import finish
from app.sync.incoming import Source

log = structlog.get_logger(__name__)
Outcome = dict[str, Any]
SHOWN_AS = {"conflict": "unchanged", "invalid": "unchanged", "gone": "stale"}
"""What a sender is told where the contract has fewer words than we."""


def receive(engine: Engine, identity: str | None, body: object) -> Outcome:
    """Take in one delivery; `identity` is its webhook-id, None for an unsigned one. Raises Invalid."""
    return _receive(engine, identity, delivery.read(body, engine.registry))


def receive_all(engine: Engine, identity: str | None, bodies: list[object]) -> list[Outcome]:
    """Take in a batch: each item by itself, so that a malformed one does not hold up the others."""
    if not 0 < len(bodies) <= delivery.MOST:
        raise Invalid(f"A batch holds 1 to {delivery.MOST} deliveries, not {len(bodies)}.")
    outcomes: list[Outcome] = []
    for position, body in enumerate(bodies):
        part = None if identity is None else f"{identity}#{position}"
        try:
            outcomes.append(receive(engine, part, body))
        except Invalid as error:
            outcomes.append({"outcome": "invalid", "error": error.detail, "errors": error.errors, "success": False})
    if all(outcome["outcome"] == "invalid" for outcome in outcomes):
        raise Invalid(outcomes[0]["error"], errors=_by_position(outcomes))
    return outcomes


def _by_position(outcomes: list[Outcome]) -> Messages:
    errors: Messages = {}
    for position, one in enumerate(outcomes):
        named = {f"[{position}].{name}": found for name, found in (one["errors"] or {}).items()}
        errors |= named or {f"[{position}]": [one["error"]]}
    return errors


def _receive(engine: Engine, identity: str | None, body: dict[str, Any]) -> Outcome:
    identity = identity or delivery.derived_id(body)
    outcome, fields, record_id = transact(lambda tx: _take_in(tx, engine, identity, body))
    engine.count("webhooks", resource=body["resource"], outcome=outcome)
    log.info(
        "webhook",
        delivery=identity,
        resource=body["resource"],
        crm_id=body["crm_id"],
        record=record_id,
        kind=body["event"],
        outcome=outcome,
        fields=fields,
    )
    return {"outcome": outcome, "fields": fields, "success": True}


def _take_in(tx: Connection, engine: Engine, identity: str, body: dict[str, Any]) -> tuple[str, list[str], str | None]:
    now = engine.world.now()
    if not inbox.remember(tx, identity, body["resource"], body["crm_id"], now):
        return "duplicate", [], None
    if _is_from_the_future(engine, body):
        inbox.park(tx, identity, None, now)
        return "parked", [], None
    work = Work(tx, engine.registry[body["resource"]])
    applied = pull.apply(work, engine, delivery.to_snapshot(body), Source("webhook"))
    finish(work, engine)
    if applied.outcome == "unknown":
        inbox.park(tx, identity, body, now + timedelta(seconds=schedule.PARKED_FIRST))
        return "parked", [], None
    if applied.outcome == "ask":
        inbox.park(tx, identity, None, now)
        return "parked", applied.fields, applied.record_id
    outcome = SHOWN_AS.get(applied.outcome, applied.outcome)
    inbox.settled(tx, identity, outcome)
    return outcome, applied.fields, applied.record_id


def _is_from_the_future(engine: Engine, body: dict[str, Any]) -> bool:
    """A stamp far ahead of us proves nothing; a version does, whatever the clocks say."""
    stamp = parse_time(body["timestamp"])
    assert stamp is not None
    return body["version"] is None and stamp > engine.world.now() + timedelta(seconds=delivery.FUTURE)
