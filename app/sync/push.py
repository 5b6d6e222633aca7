"""Telling the CRM what it has not heard: claim what is owed, call without a transaction, take in the answer."""

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import structlog
from sqlalchemy import Connection

from app.core import mapping
from app.core.db import transact
from app.core.record import CrmCopy, Fields, Record, Snapshot
from app.core.resource import Resource
from app.crm import Conflict, NotThere, OutcomeUnknown, Rejected, Unavailable
from app.store import crm_copies, outbox, records
from app.store.outbox import Owed
from app.sync import ending, reconcile
from app.sync.ending import Ended
from app.sync.engine import Engine
from app.sync.schedule import LEASE

log = structlog.get_logger(__name__)
LONGEST = 45.0
"""Seconds one push may take, below its lease."""
ROUNDS = 3
"""How often one push fetches and merges when the record keeps moving in the CRM."""


@dataclass(frozen=True)
class Task:
    """One push, decided at the claim: what to call, and with what. `fields` are by our names."""

    owed: Owed
    action: Literal["create", "update", "delete", "fetch"]
    fields: Fields
    key: str
    crm_id: str | None = None
    version: int | None = None
    look_first: bool = False

    @property
    def about(self) -> dict[str, Any]:
        """What a log line says of this push: names of fields, never values."""
        return {
            "resource": self.owed.resource,
            "record": self.owed.record_id,
            "crm_id": self.crm_id,
            "action": self.action,
            "fields": sorted(self.fields),
        }


def due(engine: Engine, limit: int, resources: Collection[str] | None = None) -> list[Task]:
    """Claim what is due, in one transaction."""
    return transact(lambda tx: _claim(tx, engine, limit, resources=resources))


def named(engine: Engine, record_id: str) -> Task | None:
    """Claim what one record owes, due or not; None when it owes nothing or somebody is at it."""
    tasks = transact(lambda tx: _claim(tx, engine, 1, record_id=record_id))
    return tasks[0] if tasks else None


def push(engine: Engine, task: Task, deadline: float | None = None) -> Ended:
    """Make the calls of one push and take in what comes of them. Never raises for the CRM's sake."""
    try:
        ended = _push(engine, task, deadline)
    except Unavailable as error:
        ended = _postponed(engine, task, error)
    except (Rejected, Conflict) as error:
        ended = _refused(engine, task, error)
    ending.tell(engine, task.about, ended)
    return ended


def _postponed(engine: Engine, task: Task, error: Unavailable) -> Ended:
    forget = not isinstance(error, OutcomeUnknown)
    return transact(lambda tx: ending.unavailable(tx, engine, task.owed, error, forget=forget))


def _refused(engine: Engine, task: Task, error: Rejected | Conflict) -> Ended:
    return transact(lambda tx: ending.rejected(tx, engine, task.owed, error, task.fields))


def _push(engine: Engine, task: Task, deadline: float | None) -> Ended:
    for _ in range(ROUNDS):
        try:
            return _arrived(engine, task, _call(engine, task, deadline))
        except Conflict as error:
            newer = _merged_with_theirs(engine, task, error, deadline)
            if isinstance(newer, Ended):
                return newer
            task = newer
    raise Unavailable("The record keeps changing in the CRM.")


def _claim(
    tx: Connection, engine: Engine, limit: int, *,
    resources: Collection[str] | None = None, record_id: str | None = None,
) -> list[Task]:  # fmt: skip
    now, lease = engine.world.now(), engine.world.new_id()
    tasks = []
    for name, identity in outbox.claimable(tx, now, limit, resources=resources, record_id=record_id):
        # The record first, then its entry: everybody locks in this order, so that nobody waits in a circle.
        is_named = record_id is not None
        record = records.get(tx, engine.registry[name], identity, lock=is_named, or_skip=not is_named)
        owed = None if record is None else outbox.claim(tx, name, identity, now, lease, now + LEASE)
        if record is not None and owed is not None:
            tasks.append(_decide(tx, engine, owed, record))
    return [task for task in tasks if task is not None]


def _decide(tx: Connection, engine: Engine, owed: Owed, record: Record) -> Task | None:
    """Compute what a record owes, and note what is about to be sent."""
    resource = engine.registry[owed.resource]
    task = _task(engine, resource, owed, record, crm_copies.get(tx, resource, record.id))
    if task is None:
        outbox.remove(tx, owed.resource, owed.record_id)
        if record.status == "pending":
            record.status = "synced"
            records.save(tx, resource, record)
        return None
    creating = {"key": task.key, "fields": task.fields} if task.action == "create" else None
    outbox.sending(tx, owed, task.fields, creating)
    return task


def _task(engine: Engine, resource: Resource, owed: Owed, record: Record, copy: CrmCopy | None) -> Task | None:
    if record.crm_id is None or copy is None:
        if owed.creating is not None:  # an earlier create may have arrived: the very same again, or found
            return Task(owed, "create", owed.creating["fields"], owed.creating["key"], look_first=True)
        if record.deleted_at is not None:
            return None
        fields = {name: record.fields[name] for name in resource.pushed_fields}
        return Task(owed, "create", fields, engine.world.new_id())
    if record.deleted_at is not None:
        return None if copy.deleted else Task(owed, "delete", {}, "", record.crm_id, copy.version)
    fields = reconcile.owed(resource.pushed_fields, record.fields, copy)
    if not fields:  # nothing, unless an earlier value of ours arrived after all
        return Task(owed, "fetch", {}, "", record.crm_id) if owed.sent else None
    key = _key(record, copy, fields)
    return Task(owed, "update", fields, key, record.crm_id, copy.version)


def _key(record: Record, copy: CrmCopy, fields: Fields) -> str:
    """Return the Idempotency-Key of an update: the same intent on the same version has the same key."""
    intent = json.dumps([record.resource, record.id, copy.crm_id, copy.version, fields], sort_keys=True)
    return hashlib.sha256(intent.encode()).hexdigest()


def _call(engine: Engine, task: Task, deadline: float | None) -> Snapshot | None:
    """Make the call; None for a delete, which is answered with nothing."""
    resource, crm = engine.registry[task.owed.resource], engine.crm
    fields = mapping.to_crm(resource, task.fields)
    log.info("push_attempt", **task.about)
    if task.action == "create":
        return crm.create(
            resource.crm_path,
            fields,
            external_id=task.owed.record_id,
            key=task.key,
            look_first=task.look_first,
            deadline=deadline,
        )
    assert task.crm_id is not None
    if task.action == "delete":
        crm.delete(resource.crm_path, task.crm_id, version=task.version, deadline=deadline)
        return None
    try:
        if task.action == "fetch":
            return crm.get(resource.crm_path, task.crm_id, deadline=deadline)
        return crm.update(resource.crm_path, task.crm_id, fields, version=task.version, key=task.key, deadline=deadline)
    except NotThere:
        return Snapshot(task.crm_id, {}, deleted=True)


def _arrived(engine: Engine, task: Task, answer: Snapshot | None) -> Ended:
    was_asked = task.action == "fetch" or (answer is not None and answer.found)
    sent = None if was_asked else task.fields
    return transact(lambda tx: ending.arrived(tx, engine, task.owed, answer, sent))


def _merged_with_theirs(engine: Engine, task: Task, refusal: Conflict, deadline: float | None) -> Task | Ended:
    """Fetch what the CRM has by now and merge it; return what is still owed, or how the push ended."""
    resource = engine.registry[task.owed.resource]
    try:
        theirs = _fetch(engine, resource, task, deadline)
    except Unavailable as error:  # an earlier attempt may be why the record moved on: remember what was sent
        raise OutcomeUnknown(error.message, status=error.status, retry_after=error.retry_after) from error
    if theirs is None:
        raise Rejected(refusal.message, status=refusal.status, code=refusal.code)
    return transact(lambda tx: _merge(tx, engine, task, theirs))


def _fetch(engine: Engine, resource: Resource, task: Task, deadline: float | None) -> Snapshot | None:
    if task.crm_id is None:
        return engine.crm.find(resource.crm_path, task.owed.record_id, deadline=deadline)
    try:
        return engine.crm.get(resource.crm_path, task.crm_id, deadline=deadline)
    except NotThere:
        return Snapshot(task.crm_id, {}, deleted=True)


def _merge(tx: Connection, engine: Engine, task: Task, theirs: Snapshot) -> Task | Ended:
    ended = ending.arrived(tx, engine, task.owed, theirs, None, keep_lease=True)
    resource = engine.registry[task.owed.resource]
    record = records.get(tx, resource, task.owed.record_id, lock=True)
    owed = outbox.get(tx, task.owed.resource, task.owed.record_id)
    if not ended.owes_more or record is None or owed is None:
        return ended
    return _decide(tx, engine, owed, record) or Ended("synced", record.id)
