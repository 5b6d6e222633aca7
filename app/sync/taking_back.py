"""A run that takes another one back: a page in a transaction, then its pushes, then what it deletes in the CRM."""

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from app.core.db import reading, transact
from app.crm import CRMError, OutcomeUnknown
from app.store import crm_changes, journal, runs
from app.store.crm_changes import Told
from app.store.work import Work
from app.sync import bulk, handover, rollback, task
from app.sync.counts import Counts
from app.sync.incoming import Kind
from app.sync.owing import settle_status
from app.sync.part import Part
from app.sync.rollback import Step
from app.sync.unit import within

AT_ONCE = 200
ROUNDS = 5
"""How often a page is pushed at most; what is owed then is left to the worker."""
Left = dict[str, str]


def carry_out(part: Part, rolled_back: str) -> None:
    """Take back one resource's part of a run. One that was cut off and goes on does nothing twice."""
    after, left = "", list[Left]()
    while True:
        with reading() as connection:
            ids = crm_changes.touched(connection, rolled_back, part.resource.name, after, AT_ONCE)
        if not ids:
            break
        left += _page(part, rolled_back, ids)
        after = ids[-1]
    skipped = Counts(skipped=len(left))

    def end(tx: Connection) -> None:
        runs.save_left(tx, part.run_id, part.resource.name, left)
        part.note(tx, skipped)

    transact(end)
    part.done(skipped)


def _page(part: Part, rolled_back: str, ids: Sequence[str]) -> list[Left]:
    engine = part.engine
    with reading() as connection:
        done = crm_changes.touched_of(connection, part.run_id, part.resource.name, ids)
    rest = [one for one in ids if one not in done]

    def work_through(tx: Connection) -> tuple[list[Step], Counts]:
        work = Work(tx, part.resource)
        taken = rollback.take_back(work, engine, rollback.steps(work, rolled_back, rest), part.run_id)
        counts = _counted(work)
        handover.write(work, engine)
        part.note(tx, counts)
        return taken, counts

    taken, counts = transact(work_through)
    part.done(counts)
    mine = sorted({*done, *(step.record_id for step in taken if step.left is None)})
    _push(part, mine)
    left = [{"record_id": step.record_id, "why": step.left} for step in taken if step.left is not None]
    return left + _delete_there(part, mine)


def _counted(work: Work) -> Counts:
    counts = Counts()
    kinds: dict[str, Kind] = {}
    for entry in work.journal:
        gone = entry.changes.get(journal.DELETED)
        kinds.setdefault(entry.record_id, "updated" if gone is None else "deleted" if gone[1] else "created")
    for kind in kinds.values():
        counts.here(kind)
    for _ in work.told:
        counts.there("deleted")
    return counts


def _push(part: Part, ids: Collection[str]) -> None:
    """Push what the steps owe, again for what turns out to live on in another record, or to be created anew."""
    for _ in range(ROUNDS):
        tasks, more = task.named(part.engine, ids, part.run_id) if ids else [], []
        for unit in bulk.units(part.engine, tasks):
            counts = Counts()
            for ended in bulk.push_unit(part.engine, unit):
                counts.ended(ended)
                more += [ended.record_id] if ended.owes_more else []
            part.count(counts)
        ids = more


def _delete_there(part: Part, ids: Collection[str]) -> list[Left]:
    """Delete in the CRM what the run had created there; what has moved since stays linked, and is said."""
    left = []
    for told, version in _parted(part, ids):
        try:
            part.engine.crm.delete(part.resource.crm_path, told.crm_id, version=version)
        except OutcomeUnknown as error:
            left.append({"record_id": told.record_id, "why": f"{told.crm_id} may still be in the CRM: {error.message}"})
        except CRMError as error:
            _link_again(part, told)
            left.append({"record_id": told.record_id, "why": f"{told.crm_id} stays in the CRM: {error.message}"})
        part.stay_alive()
    return left


def _parted(part: Part, ids: Collection[str]) -> list[tuple[Told, int | None]]:
    """Return what this run parts records from, with the version that may be deleted."""
    found = []
    with reading() as connection:
        work = Work(connection, part.resource, locking=False)
        work.load(ids=ids)
        for told in crm_changes.of_run(connection, part.run_id, part.resource.name, ids):
            copy = work.copy(told.record_id)
            if told.action == "delete" and copy is not None and _is_apart(work, told):
                found.append((told, copy.version))
    return found


def _is_apart(work: Work, told: Told) -> bool:
    record, copy = work.record(told.record_id), work.copy(told.record_id)
    return record is not None and record.crm_id is None and copy is not None and copy.crm_id == told.crm_id


def _link_again(part: Part, told: Told) -> None:
    """Take the parting back: the CRM did not delete the record."""
    undone = Counts(synced=-1, pushed=-1, deleted=-1)

    def work_through(work: Work) -> None:
        record, copy = work.record(told.record_id), work.copy(told.record_id)
        crm_changes.retract(work.tx, part.run_id, part.resource.name, told.record_id)
        part.note(work.tx, undone)
        if record is None or copy is None or not _is_apart(work, told):
            return
        copy.deleted = False
        work.copies.put(record.id, copy)
        record.crm_id, record.error = told.crm_id, None
        settle_status(work, record, copy, part.engine.world.now())
        work.save(record)

    within(part.engine, part.resource, work_through, ids=[told.record_id])
    part.done(undone)
