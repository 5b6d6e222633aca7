"""Looking for words in records, and making their index anew."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from sqlalchemy import Connection

from app.core import words
from app.core.db import reading, transact
from app.core.record import Record
from app.core.resource import Registry, Resource
from app.core.words import Sought
from app.store import bulk, records, search
from app.sync.engine import Engine

MOST = 1000
"""Records that are found and counted: nobody reads on to the next, and finding all of them takes its time."""
PAGE = 1000


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found; `highlights` is HTML, for each field in which a word stands."""

    record: Record
    highlights: dict[str, str]


def find(registry: Registry, names: Collection[str], sought: Sought, page: int, per_page: int) -> tuple[list[Hit], int]:
    """Return a page of the records of some resources, best first, and how many there are, up to MOST."""
    among = () if set(names) == set(registry) else names
    with reading() as tx:
        found = search.find(tx, among, sought, MOST)
        shown = found[(page - 1) * per_page : page * per_page]
        fetched = {one.id: one for name in {name for name, _ in shown} for one in _fetch(tx, registry[name], shown)}
    hits = [_hit(registry, fetched[record_id], sought) for _, record_id in shown if record_id in fetched]
    return hits, len(found)


def _fetch(tx: Connection, resource: Resource, shown: Iterable[tuple[str, str]]) -> list[Record]:
    ids = [record_id for name, record_id in shown if name == resource.name]
    return [one for one in records.find(tx, resource, ids=ids) if one.deleted_at is None]


def _hit(registry: Registry, record: Record, sought: Sought) -> Hit:
    texts = registry[record.resource].texts(record.fields)
    found = {name: words.marked(text, sought) for name, text in texts.items()}
    return Hit(record, {name: text for name, text in found.items() if text is not None})


def reindex(engine: Engine, names: Iterable[str], watch: Callable[[int], None] = lambda _: None) -> dict[str, int]:
    """Make the index anew, a page a transaction, while the service goes on; return how many records are in it.

    `watch` is told how many are done so far. For rows that were written by hand, and after a change of the folding.
    """
    counts: dict[str, int] = {}
    for name in names:
        before = sum(counts.values())
        counts[name] = 0
        for done in _reindex(engine.registry[name]):
            counts[name] = done
            watch(before + done)
    return counts


def _reindex(resource: Resource) -> Iterator[int]:
    """Take in one page after another; yield how many records are done."""
    done, after = 0, ""
    while ids := _next(resource, after):
        done += transact(partial(_put, resource, ids))
        after = ids[-1]
        yield done
    transact(partial(_sweep, resource))


def _next(resource: Resource, after: str) -> list[str]:
    with reading() as tx:
        return [one.id for one in bulk.live_after(tx, resource, after, PAGE)]


def _put(resource: Resource, ids: list[str], tx: Connection) -> int:
    found = records.find(tx, resource, ids=ids, lock=True)  # as they are now, and stay until the end
    search.put(tx, resource, found)
    return sum(one.deleted_at is None for one in found)


def _sweep(resource: Resource, tx: Connection) -> None:
    search.sweep(tx, resource)
