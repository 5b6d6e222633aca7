"""Unique values that change hands: who is refused one that is taken gets it once it is free, in any order of news."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.kinds import unique_key
from app.core.record import MISSING, CrmCopy, Record, same
from app.store import journal
from app.store.conflicts import Found, Known
from app.store.journal import Entry
from app.store.work import Work
from app.sync.engine import Engine
from app.sync.incoming import Incoming
from app.sync.owing import settle_status
from app.sync.reconcile import Merged

Keys = Mapping[str, str | None]


@dataclass(frozen=True, eq=False)
class Wish:
    """A value that the CRM has given to a record, and that another record of ours still holds."""

    known: Known
    record: Record
    copy: CrmCopy
    name: str

    @property
    def value(self) -> str:
        return str(self.copy.fields[self.name])


Wishes = dict[tuple[str, str], Wish]
"""By the name of the field and the id of the record that waits."""


def keys_of(work: Work, record: Record | None) -> Keys:
    """Return what a live record holds of the unique fields, in the form in which two spellings are equal."""
    if record is None or record.deleted_at is not None:
        return {}
    return {name: unique_key(record.fields[name]) for name in work.resource.unique_fields}


def refuse_taken(this: Incoming, record: Record, merged: Merged) -> list[Found]:
    """Keep our value where the CRM's would double that of another record: it waits, or a person decides."""
    found = []
    for name in sorted(set(merged.taken) & set(this.resource.unique_fields)):
        other = this.work.holder(name, merged.local[name])
        if other is None or other.id == record.id or record.deleted_at is not None:
            continue
        claimed, merged.local[name] = merged.local[name], record.fields[name]
        merged.copy.held.append(name)
        merged.copy.same_as[name] = record.fields[name]  # nobody chose to keep it: what comes next is no clash with it
        note = f"Its {name} belongs to the record {other.id}."
        ours, crm_id = merged.local[name], this.snapshot.crm_id
        found.append(Found("duplicate", crm_id, record.id, name, local=ours, crm=claimed, note=note))
    return found


def settle(this: Incoming, record: Record, before: Keys) -> None:
    """Pass on what a record has just given up, and see whether what it waits for is free by now."""
    held, copy = keys_of(this.work, record), this.work.copy(record.id)
    freed = [(name, key) for name, key in before.items() if key is not None and held.get(name) != key]
    refused = [name for name in this.resource.unique_fields if copy is not None and name in copy.held]
    if not freed and not refused:
        return
    wishes = _wishes(this.work)
    for name in refused:
        freed += _grant(this, wishes, _ready(this.work, wishes, wishes.get((name, record.id))))
    while freed:
        name, key = freed.pop()
        ready = next((one for one in wishes.values() if one.name == name and unique_key(one.value) == key), None)
        if ready is not None and this.work.holder(name, ready.value) is None:
            freed += _grant(this, wishes, [ready])


def write(work: Work, engine: Engine) -> None:
    """Write a unit of work. The CRM is asked about whoever waits for what it frees: no news may come of them."""
    freed = {one for entry in work.journal if entry.version > 1 for one in _freed(work, entry)}
    for known in work.waiting() if freed else ():
        if (known.found.field, unique_key(known.found.crm)) in freed:
            work.ask(f"ask-{engine.world.new_id()}", known.found.crm_id)
    work.flush(engine.world.now())


def _freed(work: Work, entry: Entry) -> set[tuple[str, str | None]]:
    """Return what a change took from a record of the unique fields: what was edited, or all when it was deleted."""
    unique = work.resource.unique_fields
    old = {name: entry.changes[name][0] for name in unique if name in entry.changes}
    if entry.changes.get(journal.DELETED) == (False, True):
        record = work.record(entry.record_id)
        old |= {} if record is None else {name: record.fields[name] for name in unique}
    return {(name, unique_key(value)) for name, value in old.items() if value is not None}


def _wishes(work: Work) -> Wishes:
    """Return what waits; not what somebody has edited here since, which is for a person."""
    waiting = work.waiting()
    work.load(ids=[known.found.record_id for known in waiting if known.found.record_id is not None])
    found: Wishes = {}
    for known in waiting:
        name, record = known.found.field, work.records.get(known.found.record_id or "")
        copy = None if record is None else work.copy(record.id)
        if name is None or record is None or copy is None or record.deleted_at is not None or name not in copy.held:
            continue
        is_untouched = same(copy.same_as.get(name, MISSING), record.fields[name])
        if is_untouched and known.found.crm_id == record.crm_id and same(copy.fields.get(name), known.found.crm):
            found[name, record.id] = Wish(known, record, copy, name)
    return found


def _ready(work: Work, wishes: Wishes, wish: Wish | None) -> list[Wish]:
    """Return the wishes that can come true together: one whose value is free, or a circle of them."""
    path: list[Wish] = []
    while wish is not None and wish not in path:
        path.append(wish)
        holder = work.holder(wish.name, wish.value)
        if holder is None:
            return path[-1:]
        wish = wishes.get((wish.name, holder.id))
    return path if path and wish is path[0] else []


def _grant(this: Incoming, wishes: Wishes, ready: list[Wish]) -> list[tuple[str, str]]:
    """Let records take what they waited for; return what they gave up."""
    given_up = [(wish.name, _take(this, wishes.pop((wish.name, wish.record.id)))) for wish in ready]
    return [(name, key) for name, key in given_up if key is not None]


def _take(this: Incoming, wish: Wish) -> str | None:
    record, copy, name = wish.record, wish.copy, wish.name
    old = record.fields[name]
    copy.held = [one for one in copy.held if one != name]
    del copy.same_as[name]
    this.work.copies.put(record.id, copy)
    record.fields = record.fields | {name: copy.fields[name]}
    record.version += 1
    record.last_updated = max(record.last_updated, this.now)
    this.work.put_conflict(wish.known.resolved("crm", "merge", this.now))
    changed: journal.Changed = {name: (old, copy.fields[name])}
    this.work.journal.append(journal.Entry.about(record, changed, this.source.origin, this.source.run_id))
    settle_status(this.work, record, copy, this.now)
    this.work.save(record)
    return unique_key(old)
