"""Deliveries that wait: their record is looked up in the CRM, and they are settled or, after a day, dropped."""

from datetime import timedelta

import structlog

from app.core.db import transact
from app.crm import CRMError, Unavailable
from app.store import inbox
from app.store.inbox import Parked
from app.sync import feed, schedule
from app.sync.engine import Engine
from app.sync.incoming import Applied

log = structlog.get_logger(__name__)
BATCH = 20


def step(engine: Engine) -> int:
    """Look up what is due; return how many there were."""
    now = engine.world.now()
    waiting = transact(lambda tx: inbox.due(tx, now, now + schedule.LEASE, BATCH))
    for parked in waiting:
        _look_up(engine, parked)
    return len(waiting)


def _look_up(engine: Engine, parked: Parked) -> None:
    about = {"delivery": parked.id, "resource": parked.resource, "crm_id": parked.crm_id}
    resource = engine.registry.get(parked.resource)
    if resource is None:
        _drop(engine, parked, "unknown_resource")
        return
    try:
        applied = feed.fetch(engine, resource, parked.crm_id)
    except CRMError as error:
        log.warning("parked_not_looked_up", status=error.status, **about)
        _later(engine, parked, schedule.UNANSWERED_FOR if isinstance(error, Unavailable) else schedule.PARKED_FOR)
        return
    if _is_settled(engine, parked, applied):
        transact(lambda tx: inbox.settled(tx, parked.id, applied.outcome))
        log.info("parked_settled", outcome=applied.outcome, record=applied.record_id, **about)
    else:
        _later(engine, parked)


def _is_settled(engine: Engine, parked: Parked, applied: Applied) -> bool:
    """What the CRM says now contains what the delivery said then, once there is a record for it or never will be."""
    if applied.outcome == "gone":  # unless a create of ours may yet turn out to have made it
        # What came in the future was noted by a clock that has been set back: it has waited long enough.
        return not timedelta(0) <= engine.world.now() - parked.received_at <= schedule.LEASE
    return applied.record_id is not None or applied.outcome in {"conflict", "invalid"}


def _later(engine: Engine, parked: Parked, longest: timedelta = schedule.PARKED_FOR) -> None:
    now = engine.world.now()
    if parked.attempts >= schedule.PARKED_TRIES and now - parked.received_at >= longest:
        _drop(engine, parked, "never_known")
        return
    due_at = now + schedule.parked_pause(parked.attempts, engine.world.random)
    transact(lambda tx: inbox.postpone(tx, parked, due_at))


def _drop(engine: Engine, parked: Parked, outcome: str) -> None:
    transact(lambda tx: inbox.drop(tx, parked.id, outcome))
    engine.count("webhooks", resource=parked.resource, outcome="dropped")
    log.error("parked_dropped", delivery=parked.id, resource=parked.resource, crm_id=parked.crm_id, why=outcome)
