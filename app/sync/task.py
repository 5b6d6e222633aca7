"""What one push is to do: decided at the claim, from the record and what the CRM last told us of it."""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal

from sqlalchemy import Connection

from app.core.db import reading, transact
from app.core.record import CrmCopy, Fields, Record
from app.core.resource import Resource
from app.store import outbox
from app.store.outbox import Owed
from app.store.work import Work
from app.sync import reconcile
from app.sync.engine import Engine
from app.sync.owing import said_in_step
from app.sync.schedule import LEASE
from app.sync.tombstone import OURS

LEAST = 2
"""Fewer records than this are not worth a batch."""
BATCHED = "batched"
PARENT_WAIT = timedelta(minutes=10)
"""When a record that waits for another one is looked at again, should nobody have woken it."""


@dataclass(frozen=True)
class Task:
    """One push: what to call, and with what. `fields` are by our names."""

    owed: Owed
    action: Literal["create", "update", "delete", "fetch"]
    fields: Fields
    key: str
    crm_id: str | None = None
    version: int | None = None
    look_first: bool = False
    batched: bool = False
    """Whether a create that may have arrived was perhaps one of a batch."""
    links: Mapping[str, str | None] = field(default_factory=dict)
    """The CRM's ids of the records that the fields refer to, by ours; None for one that the CRM will never have."""
    claimed_at: float = 0.0
    """When it was claimed, on the world's monotonic clock: the one that nobody sets."""

    @property
    def unsaid(self) -> frozenset[str]:
        """The fields that name somebody whom the CRM does not have: there they are sent as nobody."""
        nobody = {ours for ours, theirs in self.links.items() if theirs is None}
        return frozenset(name for name, value in self.fields.items() if isinstance(value, str) and value in nobody)

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


def due(engine: Engine, limit: int, resources: Collection[str] | None = None, run_id: str | None = None) -> list[Task]:
    """Claim what is due; none when nothing is."""
    while is_any_due(engine, resources):
        found, tasks = transact(lambda tx: _claim(tx, engine, limit, resources=resources, run_id=run_id))
        if tasks or not found:
            return tasks  # what was found and came to nothing is not due any more: others may be
    return []


def is_any_due(engine: Engine, resources: Collection[str] | None) -> bool:
    """Look without the lock that every writer takes: mostly there is nothing."""
    with reading() as connection:
        return bool(outbox.claimable(connection, engine.world.now(), 1, resources=resources))


def named(engine: Engine, ids: Collection[str], run_id: str | None = None) -> list[Task]:
    """Claim what some records owe, due or not, but for what somebody else is at."""
    everything = tuple(engine.registry)  # with the resources, the entries are found by their key
    return transact(lambda tx: _claim(tx, engine, len(ids), resources=everything, ids=ids, run_id=run_id))[1]


def _claim(
    tx: Connection, engine: Engine, limit: int, *,
    resources: Collection[str] | None = None, ids: Collection[str] | None = None, run_id: str | None = None,
) -> tuple[bool, list[Task]]:  # fmt: skip
    """Return whether there were any, and what is to be done about them."""
    now, claimed_at, lease = engine.world.now(), engine.world.monotonic(), engine.world.new_id()
    found: dict[str, list[str]] = {}
    for name, identity in outbox.claimable(tx, now, limit, resources=resources, ids=ids):
        found.setdefault(name, []).append(identity)
    tasks: list[Task | None] = []
    for name, here in found.items():
        batched = engine.crm.batches and len(here) >= LEAST
        work = Work(tx, engine.registry[name])
        # The records first, then their entries: everybody locks in this order, so that nobody waits in a circle.
        work.load(ids=here, or_skip=ids is None)
        for identity in here:
            record, owed = work.records.get(identity), None
            if record is not None:
                owed = work.owed(identity)
            if record is not None and owed is not None and owed.is_free(now):
                claimed = owed.claimed(lease, now + LEASE, run_id)
                work.outbox.put(identity, claimed)
                tasks.append(decide(work, engine, claimed, record, claimed_at, batched=batched))
        work.flush(now)
    return bool(tasks), [task for task in tasks if task is not None]


def decide(
    work: Work, engine: Engine, owed: Owed, record: Record, claimed_at: float, *, batched: bool = False
) -> Task | None:
    """Compute what a record owes, and note what is about to be sent; `batched` says that it may be one of many."""
    task = of(work.resource, owed, record, work.copy(record.id), engine.world.new_id)
    if task is None:
        work.outbox.remove(record.id)
        if record.status in {"pending", "failed"}:  # failed: what was given up after a day has come to nothing
            record.status, record.error = "synced", said_in_step(record, work.copy(record.id))
            work.save(record)
        return None
    # A create that may have arrived is sent as it was, whatever has become of whom it names.
    said = None if owed.creating is None else owed.creating.get("links")
    links, waits_for = _links(work, record, task.fields) if said is None or task.action != "create" else (said, None)
    if waits_for is not None:
        _put_aside(work, engine, owed, record, *waits_for)
        return None
    task = replace(task, links=links, claimed_at=claimed_at)
    creating = None
    if task.action == "create":
        creating = {**(owed.creating or {}), "key": task.key, "fields": task.fields, "links": links}
        creating |= {BATCHED: True} if batched else {}
    sent = OURS if task.action == "delete" else task.fields | dict.fromkeys(task.unsaid)
    work.outbox.put(record.id, owed.sending(sent, creating))
    return task


def _links(work: Work, record: Record, fields: Fields) -> tuple[dict[str, str | None], tuple[str, str] | None]:
    """Return the CRM's ids of what fields refer to, and what of it is not there yet: (field, our id)."""
    # The word beside a reference may be known there already, and is needed here all the same.
    words = {kind.beside: record.fields[kind.beside] for kind in work.resource.references.values() if kind.beside}
    (targets,) = work.links.targets([words | fields]) if work.resource.references else [{}]
    found = {identity: None if target is None else target.crm_id for identity, target in targets.values()}
    absent = (
        (name, identity)
        for name, (identity, target) in targets.items()
        if target is not None and target.is_live and target.crm_id is None and not target.is_apart
    )
    return found, next(absent, None)


def _put_aside(work: Work, engine: Engine, owed: Owed, record: Record, name: str, identity: str) -> None:
    """Let a record wait for one that it refers to: the CRM has to have that one first."""
    work.outbox.put(record.id, owed.waiting(identity, engine.world.now() + PARENT_WAIT))
    reason = f"It waits until the CRM has the record that {name} names."
    if record.error != reason:
        record.error = reason
        work.save(record)


def of(resource: Resource, owed: Owed, record: Record, copy: CrmCopy | None, new_id: Callable[[], str]) -> Task | None:
    """Return the push that an entry stands for; None when nothing is owed. Pure."""
    if record.crm_id is None:
        return _creation(resource, owed, record, copy, new_id)
    if record.deleted_at is not None:
        is_told = copy is not None and copy.deleted
        return None if is_told else Task(owed, "delete", {}, "", record.crm_id, copy.version if copy else None)
    # What the CRM told us may be lost: then it is asked, before anything is said to it.
    fields = {} if copy is None else reconcile.owed(resource.pushed_fields, record.fields, copy)
    if copy is None or not fields:  # or nothing is owed, unless an earlier value of ours arrived after all
        return Task(owed, "fetch", {}, "", record.crm_id) if owed.sent or copy is None else None
    return Task(owed, "update", fields, _key(record, copy, fields), record.crm_id, copy.version)


def _creation(
    resource: Resource, owed: Owed, record: Record, copy: CrmCopy | None, new_id: Callable[[], str]
) -> Task | None:
    if owed.creating is not None:  # an earlier create may have arrived: the very same again, or found
        said, key, batched = owed.creating["fields"], owed.creating["key"], owed.creating.get(BATCHED, False)
        return Task(owed, "create", said, key, look_first=True, batched=batched)
    if record.deleted_at is not None or (copy is not None and copy.deleted):
        return None
    fields = {name: record.fields[name] for name in resource.pushed_fields}
    return Task(owed, "create", fields, new_id())


def _key(record: Record, copy: CrmCopy, fields: Fields) -> str:
    """Return the Idempotency-Key of an update: the same intent on the same versions of both sides has the same key.

    Ours is among them for a CRM without versions: who wants a value again, later, wants something new.
    """
    intent = [record.resource, record.id, copy.crm_id, copy.version, record.version, fields]
    return hashlib.sha256(json.dumps(intent, sort_keys=True).encode()).hexdigest()
