"""Comparing both sides, record by record: how many are in step, what is not, and why."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from app.core.db import reading
from app.core.record import CrmCopy, Record, Snapshot
from app.core.resource import Resource
from app.crm import NotThere, Rejected
from app.store import inbox, records
from app.store.work import Work
from app.sync import feed
from app.sync.differences import UNKNOWN, Difference, difference, unseen
from app.sync.engine import Engine

AT_ONCE = 500
LOOKS = 3
"""How often a record that keeps moving is looked at again."""
State = tuple[Record | None, CrmCopy | None]


@dataclass
class Verified:
    """What a comparison found; `suspects` differ for no reason that we know."""

    in_step: int = 0
    differences: list[Difference] = field(default_factory=list)
    suspects: list[Difference] = field(default_factory=list)
    calls: int = 0

    def note(self, record: Record | None, found: Difference | None) -> None:
        if found is None:
            self.in_step += record is not None and record.deleted_at is None
        else:
            (self.suspects if found["reason"] == UNKNOWN else self.differences).append(found)


def compare(engine: Engine, resource: Resource, found: Verified, watch: Callable[[], None] = lambda: None) -> None:
    """Compare all records of a resource with the CRM's; `watch` is told now and then. Raises Unavailable and Rejected.

    Both sides move meanwhile, so what seems unexplained is looked at again before it is called so.
    """
    seen: set[int] = set()
    for items in _listed(engine, resource, found, watch):
        with reading() as connection:
            work = Work(connection, resource, locking=False)
            feed.load(work, items)
            for item in items:
                if hash(item.crm_id) not in seen:  # a list that shifts while it is read names some twice
                    _compare(work, item, seen, found)
        watch()
    _rest(resource, seen, found)
    suspects, found.suspects = found.suspects, []
    for suspect in suspects:
        _look_again(engine, resource, suspect, found)
        watch()


def _compare(work: Work, item: Snapshot, seen: set[int], found: Verified) -> None:
    record = work.linked(item.crm_id)
    seen.add(hash(item.crm_id))
    if record is not None:
        seen.add(hash(record.id))
    found.note(record, difference(work, item, record))


def _listed(
    engine: Engine, resource: Resource, found: Verified, watch: Callable[[], None]
) -> Iterator[Sequence[Snapshot]]:
    """Return all records of the CRM, from the beginning; asked one by one where it has no list."""
    try:
        for _, page in feed.pages(engine, resource, None):
            found.calls += 1
            yield page.items
    except NotThere:
        found.calls += 1
        for items, refused in feed.one_by_one(engine, resource, AT_ONCE, watch):
            found.calls += len(items) + refused
            yield items


def _rest(resource: Resource, seen: set[int], found: Verified) -> None:
    """Go through our records that the CRM did not list."""
    after = ""
    while True:
        with reading() as connection:
            batch = records.live(connection, resource, after, AT_ONCE)
            missing = [one for one in batch if hash(one.id) not in seen]
            work = Work(connection, resource, locking=False)
            work.load(ids=[one.id for one in missing])
            held = _held(work) if missing else set()
            for record in missing:
                found.note(record, unseen(work, record, held))
        if not batch:
            return
        after = batch[-1].id


def _held(work: Work) -> set[str | None]:
    return {one.crm_id for one in inbox.held(work.tx, work.resource.name, inbox.ALL)}


def _look_again(engine: Engine, resource: Resource, suspect: Difference, found: Verified) -> None:
    """Ask the CRM for a record, and believe what differs only if ours stood still meanwhile."""
    for _ in range(LOOKS):
        before = state_of(resource, suspect)
        crm_id = suspect["crm_id"] if before[0] is None else before[0].crm_id
        found.calls += crm_id is not None
        try:
            item = None if crm_id is None else feed.ask(engine, resource, crm_id)
        except Rejected as error:
            found.note(None, suspect | {"note": f"The CRM does not show it: {error.message}"})
            return
        with reading() as connection:
            work = Work(connection, resource, locking=False)
            record = work.linked(crm_id) if crm_id is not None else work.record(suspect["record_id"])
            newer = _without_link(work, record) if item is None else difference(work, item, record)
        if newer is None or newer["reason"] != UNKNOWN or state_of(resource, suspect) == before:
            break
    found.note(record, newer)


def _without_link(work: Work, record: Record | None) -> Difference | None:
    """Return why a record has no counterpart, unless it has gone meanwhile."""
    return None if record is None or record.deleted_at is not None else unseen(work, record, _held(work))


def state_of(resource: Resource, suspect: Difference) -> State:
    """Return what is stored of a record, to see later whether it has moved."""
    with reading() as connection:
        return state(Work(connection, resource, locking=False), suspect["record_id"])


def state(work: Work, record_id: str | None) -> State:
    if record_id is None:
        return None, None
    record, copy = work.record(record_id), work.copy(record_id)
    return record and replace(record), copy and replace(copy)
