"""Telling the CRM what it has not heard: call without a transaction, take in the answer."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import structlog

from app.core import mapping
from app.core.record import Fields, Snapshot
from app.core.resource import Resource
from app.crm import Conflict, CRMError, Item, NotThere, OutcomeUnknown, Rejected, Unavailable
from app.store.work import Work
from app.sync import ending
from app.sync.ending import Ended
from app.sync.engine import Engine
from app.sync.task import Task, decide
from app.sync.unit import within

log = structlog.get_logger(__name__)
LONGEST = 45.0
"""Seconds one push may take, below its lease."""
ROUNDS = 3
"""How often one push fetches and merges when the record keeps moving in the CRM."""


def push(engine: Engine, task: Task, deadline: float | None = None) -> Ended:
    """Make the calls of one push and take in what comes of them. Never raises for the CRM's sake."""
    try:
        return told(engine, task, _push(engine, task, deadline))
    except CRMError as error:
        return told(engine, task, _failed(engine, task, error))


def let_go(engine: Engine, task: Task) -> Ended:
    """End a push whose lease is over before its call was made: another worker may be at it."""
    resource = engine.registry[task.owed.resource]
    give_back = partial(ending.given_back, engine=engine, owed=task.owed)
    return told(engine, task, within(engine, resource, give_back, ids=[task.owed.record_id]))


def after_refusal(engine: Engine, task: Task, error: CRMError, deadline: float | None = None) -> Ended:
    """Go on with a push whose first call was made elsewhere, and was not answered with a yes."""
    try:
        if isinstance(error, Conflict):
            newer = _merged_with_theirs(engine, task, error, deadline)
            return told(engine, task, newer if isinstance(newer, Ended) else _push(engine, newer, deadline))
        if isinstance(error, NotThere) and task.action == "update":
            return told(engine, task, _arrived(engine, task, gone(task, error)))
    except CRMError as newer_error:
        error = newer_error
    return told(engine, task, _failed(engine, task, error))


def told(engine: Engine, task: Task, ended: Ended) -> Ended:
    ending.tell(engine, task.about, ended)
    return ended


def gone(task: Task, error: NotThere) -> Snapshot:
    """Return what it means that the CRM has no such record any more."""
    assert task.crm_id is not None
    return Snapshot(task.crm_id, {}, deleted=True, merged_into=error.merged_into)


def failed(work: Work, engine: Engine, task: Task, error: CRMError) -> Ended:
    """End a push that was refused, or that had no outcome."""
    if isinstance(error, Unavailable):
        forget = not isinstance(error, OutcomeUnknown)
        return ending.unavailable(work, engine, task.owed, error, forget=forget)
    assert isinstance(error, Rejected | Conflict)
    return ending.rejected(work, engine, task.owed, error, task.fields)


def _failed(engine: Engine, task: Task, error: CRMError) -> Ended:
    resource = engine.registry[task.owed.resource]
    return within(engine, resource, lambda work: failed(work, engine, task, error), ids=[task.owed.record_id])


def _push(engine: Engine, task: Task, deadline: float | None) -> Ended:
    has_asked = False
    for _ in range(ROUNDS):
        try:
            return _arrived(engine, task, _call(engine, task, deadline))
        except (Conflict, Rejected) as error:
            # What was sent before, and never answered, may have arrived: a refusal says nothing of that.
            if isinstance(error, Rejected) and (has_asked or task.action != "update" or not task.owed.sent):
                raise
            has_asked = True
            newer = _merged_with_theirs(engine, task, error, deadline)
            if isinstance(newer, Ended):
                return newer
            task = newer
    raise Unavailable("The record keeps changing in the CRM.")


def _call(engine: Engine, task: Task, deadline: float | None) -> Snapshot | None:
    """Make the call; None for a delete, which is answered with nothing."""
    resource, crm = engine.registry[task.owed.resource], engine.crm
    fields = mapping.to_crm(resource, task.fields, task.links)
    log.info("push_attempt", **task.about)
    if task.action == "create":
        return _create(engine, task, fields, deadline)
    if task.action == "fetch":
        return _fetch(engine, task, deadline)
    assert task.crm_id is not None
    if task.action == "delete":
        crm.delete(resource.crm_path, task.crm_id, version=task.version, deadline=deadline)
        return None
    try:
        return crm.update(resource.crm_path, task.crm_id, fields, version=task.version, key=task.key, deadline=deadline)
    except NotThere as error:
        return gone(task, error)


def _create(engine: Engine, task: Task, fields: Fields, deadline: float | None) -> Snapshot:
    """Create a record once. What may have arrived in a batch goes as one again: there the CRM knows it by our id."""
    crm, resource, ours = engine.crm, engine.registry[task.owed.resource], task.owed.record_id
    alone = partial(crm.create, resource.crm_path, fields, external_id=ours, key=task.key, deadline=deadline)
    if not task.batched:
        return alone(look_first=task.look_first)
    found = crm.find(resource.crm_path, ours, deadline=deadline)
    if found is not None:
        return replace(found, found=True)
    try:
        (answer,) = call_batch(engine, resource, [task], deadline, insist=True)
    except Rejected:  # it takes no batches any more
        return alone()
    if isinstance(answer, CRMError):
        raise answer
    return answer


def call_batch(
    engine: Engine, resource: Resource, unit: Sequence[Task], deadline: float | None, *, insist: bool = False
) -> list[Snapshot | CRMError]:
    """Send several creates and updates with one call; return what became of each, in order."""
    items = [_item(resource, task) for task in unit]
    # With the rounds: an answer that postponed each item must not be given again.
    intent = "|".join(f"{task.key}:{task.owed.rounds}" for task in unit)
    key = hashlib.sha256(intent.encode()).hexdigest()
    return engine.crm.batch(resource.crm_path, items, key=key, insist=insist, deadline=deadline)


def _item(resource: Resource, task: Task) -> Item:
    fields = mapping.to_crm(resource, task.fields, task.links)
    return Item(fields, None if task.crm_id else task.owed.record_id, task.crm_id, task.version)


def arrived(work: Work, engine: Engine, task: Task, answer: Snapshot | None) -> Ended:
    """Take in the answer to a push."""
    was_asked = task.action == "fetch" or (answer is not None and answer.found)
    return ending.arrived(work, engine, task.owed, answer, None if was_asked else task.fields, unsaid=task.unsaid)


def _arrived(engine: Engine, task: Task, answer: Snapshot | None) -> Ended:
    resource = engine.registry[task.owed.resource]
    return within(engine, resource, lambda work: arrived(work, engine, task, answer), ids=[task.owed.record_id])


def _merged_with_theirs(
    engine: Engine, task: Task, refusal: Conflict | Rejected, deadline: float | None
) -> Task | Ended:
    """Fetch what the CRM has by now and merge it; return what is still owed, or how the push ended."""
    resource = engine.registry[task.owed.resource]
    try:
        theirs = _fetch(engine, task, deadline, refusal)
    except Unavailable as error:  # an earlier attempt may be why the record moved on: remember what was sent
        raise OutcomeUnknown(error.message, status=error.status, retry_after=error.retry_after) from error
    if theirs is None:
        raise Rejected(refusal.message, status=refusal.status, code=refusal.code)
    newer = within(engine, resource, lambda work: _merge(work, engine, task, theirs), ids=[task.owed.record_id])
    if isinstance(newer, Ended) and newer.asks and newer.owes_more:
        raise Unavailable("The record names another one in the CRM, which has to be asked for first.")
    return newer


def _fetch(
    engine: Engine, task: Task, deadline: float | None, refusal: Conflict | Rejected | None = None
) -> Snapshot | None:
    """Ask for the CRM's record. A question that was refused is a question still: OutcomeUnknown says so."""
    path = engine.registry[task.owed.resource].crm_path
    try:
        if task.crm_id is not None:
            return engine.crm.get(path, task.crm_id, deadline=deadline)
        named = _named_in(engine, task, refusal, deadline)
        return named or engine.crm.find(path, task.owed.record_id, deadline=deadline)
    except NotThere as error:
        return gone(task, error)
    except Rejected as error:
        raise OutcomeUnknown(error.message, status=error.status, code=error.code) from error


def _named_in(
    engine: Engine, task: Task, refusal: Conflict | Rejected | None, deadline: float | None
) -> Snapshot | None:
    """Ask for the record that a refused create says is there already; only if it is ours, by our id."""
    if not isinstance(refusal, Conflict) or refusal.crm_id is None:
        return None
    try:
        named = engine.crm.get(engine.registry[task.owed.resource].crm_path, refusal.crm_id, deadline=deadline)
    except NotThere:
        return None
    return named if named.external_id == task.owed.record_id else None


def _merge(work: Work, engine: Engine, task: Task, theirs: Snapshot) -> Task | Ended:
    ended = ending.arrived(work, engine, task.owed, theirs, None, keep_lease=True)
    record, owed = work.record(task.owed.record_id), work.owed(task.owed.record_id)
    if ended.asks or not ended.owes_more or record is None or owed is None or owed.lease != task.owed.lease:
        return ended
    return decide(work, engine, owed, record, task.claimed_at) or Ended(record.status, record.id)
