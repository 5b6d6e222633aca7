"""Many pushes at once: in batches where the CRM takes them; a bad record never holds up the others."""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from functools import partial

import structlog

from app.core import mapping
from app.core.db import elsewhere
from app.core.record import Snapshot
from app.core.resource import Resource
from app.crm import CRMError, Item, Rejected, Unavailable
from app.crm.lanes import for_each
from app.store.work import Work
from app.sync import push
from app.sync.ending import Ended
from app.sync.engine import Engine
from app.sync.task import Task, due, is_any_due
from app.sync.unit import within

log = structlog.get_logger(__name__)
LEAST = 2
"""Fewer records than this are not worth a batch."""
LONGEST_PAUSE = 120.0
"""Seconds that a run waits for the CRM's next window; what is longer is left to the worker."""
BEAT = 5.0
Unit = list[Task]
"""What is pushed with one call: a batch, or a single record."""


def push_all(engine: Engine, resources: Collection[str], run_id: str | None = None) -> Iterator[list[Ended]]:
    """Push everything that is due, several calls at once where the CRM bears it; yield how the pushes ended.

    When the CRM's limit is spent, the next window is waited for; nothing is yielded (an empty list) now and then.
    """

    def claimed() -> Iterator[Unit]:
        while _has_room(engine) and (tasks := due(engine, _at_once(engine), resources, run_id)):
            yield from units(engine, tasks)
            if engine.crm.breaker.state != "closed":
                return  # it has stopped answering: what is left stays owed, and is tried when it is back

    is_done = False
    while not is_done:  # once more: what was edited while it was under way is due again
        is_done = True
        for ended in for_each(engine.lanes, partial(push_unit, engine), claimed(), wrap=elsewhere()):
            is_done = False
            yield ended
        if not _has_room(engine) and is_any_due(engine, resources):
            pause = engine.crm.pace.paused_for()
            is_done = pause > LONGEST_PAUSE
            engine.world.sleep(0 if is_done else min(pause, BEAT))
            yield []


def _has_room(engine: Engine) -> bool:
    return engine.crm.pace.paused_for() <= 0


def _at_once(engine: Engine) -> int:
    """Return how many records to claim: what does not go out in batches must not wait longer than its lease."""
    return engine.batch_size if engine.crm.batches else min(engine.batch_size, 2 * engine.lanes.most)


def units(engine: Engine, tasks: Sequence[Task]) -> list[Unit]:
    """Put tasks together into as few calls as they need."""
    if not engine.crm.batches:
        return [[task] for task in tasks]
    together: dict[str, Unit] = {}
    alone: list[Unit] = []
    for task in tasks:
        if _fits(task):
            together.setdefault(task.owed.resource, []).append(task)
        else:
            alone.append([task])
    batches = [batch for batch in together.values() if len(batch) >= LEAST]
    alone += [[task] for batch in together.values() if len(batch) < LEAST for task in batch]
    return [*batches, *alone]


def push_unit(engine: Engine, unit: Unit) -> list[Ended]:
    """Push what goes out together, and then, one by one, what of it could not be settled that way."""
    if len(unit) == 1:
        return [push.push(engine, unit[0], _deadline(engine, unit[0]))]
    resource = engine.registry[unit[0].owed.resource]
    log.info("push_batch", resource=resource.name, records=len(unit))
    try:
        answers = _call(engine, resource, unit)
    except Unavailable as error:
        return _end(engine, resource, unit, [error] * len(unit))
    except Rejected as error:  # the batch as such: each record may still be good
        log.warning("batch_refused", resource=resource.name, records=len(unit), status=error.status)
        return [push.push(engine, task, _deadline(engine, task)) for task in unit]
    return _end(engine, resource, unit, answers)


def _fits(task: Task) -> bool:
    """Tell what a batch can hold: deletes, questions and what may have arrived already go by themselves."""
    return task.action in {"create", "update"} and not task.owed.is_unsure


def _deadline(engine: Engine, task: Task) -> float:
    """Return by when a push must be over: before its lease is."""
    assert task.owed.lease_until is not None
    left = (task.owed.lease_until - engine.world.now()).total_seconds() - 5.0
    return engine.world.monotonic() + min(push.LONGEST, left)


def _call(engine: Engine, resource: Resource, unit: Unit) -> list[Snapshot | CRMError]:
    items = [_item(resource, task) for task in unit]
    # With the rounds: an answer that postponed each item must not be given again.
    intent = "|".join(f"{task.key}:{task.owed.rounds}" for task in unit)
    key = hashlib.sha256(intent.encode()).hexdigest()
    return engine.crm.batch(resource.crm_path, items, key=key, deadline=_deadline(engine, unit[0]))


def _item(resource: Resource, task: Task) -> Item:
    fields = mapping.to_crm(resource, task.fields, task.links)
    return Item(fields, None if task.crm_id else task.owed.record_id, task.crm_id, task.version)


def _end(engine: Engine, resource: Resource, unit: Unit, answers: Sequence[Snapshot | CRMError]) -> list[Ended]:
    """End in one transaction what is settled; what the CRM was not content with goes on alone."""
    pairs = list(zip(unit, answers, strict=True))
    settled = [(task, answer) for task, answer in pairs if isinstance(answer, Snapshot | Unavailable)]

    def work_through(work: Work) -> list[Ended]:
        return [_end_one(work, engine, task, answer) for task, answer in settled]

    crm_ids = [answer.crm_id for _, answer in settled if isinstance(answer, Snapshot)]
    ids = [task.owed.record_id for task, _ in settled]
    ended = within(engine, resource, work_through, ids=ids, crm_ids=crm_ids) if settled else []
    for (task, _), one in zip(settled, ended, strict=True):
        push.told(engine, task, one)
    refused = [(task, answer) for task, answer in pairs if isinstance(answer, CRMError)
               and not isinstance(answer, Unavailable)]  # fmt: skip
    return ended + [push.after_refusal(engine, task, error, _deadline(engine, task)) for task, error in refused]


def _end_one(work: Work, engine: Engine, task: Task, answer: Snapshot | CRMError) -> Ended:
    if isinstance(answer, CRMError):
        return push.failed(work, engine, task, answer)
    return push.arrived(work, engine, task, answer)
