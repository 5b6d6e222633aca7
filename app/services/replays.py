"""The same Idempotency-Key again: the same answer, also while the first request is still at work."""

from typing import Any

from app.core.db import reading, transact
from app.core.errors import KeyReused
from app.core.record import Record
from app.core.resource import Resource
from app.services.records import Claim
from app.store import answers, records
from app.sync.engine import Engine

LOOK_EVERY = 0.05


def answer(engine: Engine, resource: Resource, claim: Claim) -> dict[str, Any] | Record:
    """Return what the first request was answered; the record as it stands when that one was cut off.

    Waits for a request that is still at work, at most as long as such a one may take. Raises KeyReused.
    """
    world = engine.world
    until = world.monotonic() + engine.push_budget
    while True:
        with reading() as connection:
            known = answers.get(connection, claim.key)
            record = None if known is None else records.get(connection, resource, known.record_id)
        if known is None or record is None or known.fingerprint != claim.fingerprint:
            raise KeyReused("This Idempotency-Key was sent before with another request.")
        if known.body is not None:
            return known.body
        if world.monotonic() >= until:
            return record
        world.sleep(LOOK_EVERY)


def keep(claim: Claim, body: dict[str, Any]) -> None:
    """Keep the answer for whoever asks again."""
    transact(lambda tx: answers.keep(tx, claim.key, body))
