"""Many pushes at once: in batches where the CRM takes them; a bad record never holds up the others."""

from collections.abc import Collection, Iterator, Sequence
from functools import partial

import structlog

from app.core.db import elsewhere, reading
from app.core.record import Snapshot
from app.core.resource import Resource
from app.crm import Conflict, CRMError, Rejected, Unavailable
from app.crm.lanes import for_each
from app.store import outbox
from app.store.work import Work
from app.sync import push
from app.sync.ending import Ended
from app.sync.engine import Engine
from app.sync.schedule import LEASE
from app.sync.task import LEAST, Task, due, is_any_due
from app.sync.unit import within

log = structlog.get_logger(__name__)
LONGEST_PAUSE = 120.0
"""Seconds that a run waits for the CRM's next window; what is longer is left to the worker."""
BEAT = 5.0
FRESH = 0.01
"""Seconds after its claim within which a push begins without a second look at its lease."""
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
    """Push what of a unit is still ours to push."""
    mine = held(engine, unit)
    ended = [push.let_go(engine, task) for task in unit if task not in mine] if len(mine) < len(unit) else []
    return ended + (_push_unit(engine, mine) if mine else [])


def held(engine: Engine, unit: Unit) -> Unit:
    """Return what is still ours: a long wait, or a clock that was set, may have let another worker take it over."""
    world, resource = engine.world, unit[0].owed.resource
    now, monotonic = world.now(), world.monotonic()
    mine = [task for task in unit if not task.owed.is_free(now) and monotonic < _held_until(task)]
    if all(monotonic - task.claimed_at < FRESH for task in mine):
        return mine
    # A clock that went forward, and back again, looks right; the entries tell.
    with reading() as connection:
        entries = outbox.get_many(connection, resource, [task.owed.record_id for task in mine])
    leases = {record_id: entry.lease for record_id, entry in entries.items()}
    return [task for task in mine if leases.get(task.owed.record_id) == task.owed.lease]


def _held_until(task: Task) -> float:
    """Return by when the calls of a push must be over: a little before its lease is."""
    return task.claimed_at + LEASE.total_seconds() - 5.0


def _push_unit(engine: Engine, unit: Unit) -> list[Ended]:
    """Push what goes out together, and then, one by one, what of it could not be settled that way."""
    if len(unit) == 1:
        return [push.push(engine, unit[0], _deadline(engine, unit[0]))]
    resource = engine.registry[unit[0].owed.resource]
    log.info("push_batch", resource=resource.name, records=len(unit))
    try:
        answers = push.call_batch(engine, resource, unit, _deadline(engine, unit[0]))
    except Unavailable as error:
        return _end(engine, resource, unit, [error] * len(unit))
    except Rejected as error:  # the batch as such: each record may still be good
        log.warning("batch_refused", resource=resource.name, records=len(unit), status=error.status)
        return [ended for task in unit for ended in push_unit(engine, [task])]
    return _end(engine, resource, unit, answers)


def _fits(task: Task) -> bool:
    """Tell what a batch can hold: deletes, questions and what may have arrived already go by themselves."""
    return task.action in {"create", "update"} and not task.owed.is_unsure


def _deadline(engine: Engine, task: Task) -> float:
    """Return by when a push must be over: before its lease is. The clock on the wall may be set meanwhile."""
    return min(engine.world.monotonic() + push.LONGEST, _held_until(task))


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
    return ended + [_after_refusal(engine, task, error) for task, error in refused]


def _after_refusal(engine: Engine, task: Task, error: CRMError) -> Ended:
    if not isinstance(error, Conflict) or held(engine, [task]):
        return push.after_refusal(engine, task, error, _deadline(engine, task))
    return push.let_go(engine, task)


def _end_one(work: Work, engine: Engine, task: Task, answer: Snapshot | CRMError) -> Ended:
    if isinstance(answer, CRMError):
        return push.failed(work, engine, task, answer)
    return push.arrived(work, engine, task, answer)
