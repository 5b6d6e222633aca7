"""Many records in one transaction: each bad one named, the good ones stored with journal and outbox, or none at all."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from app.core.db import reading, transact
from app.core.errors import Invalid, KeyReused, ServiceError, Taken
from app.core.kinds import unique_key
from app.core.record import Fields, Origin, Record
from app.core.resource import Resource
from app.core.schema import summary
from app.services import checks, references
from app.services.records import Claim, Repeated, Results, drafted
from app.store import answers
from app.store.journal import Entry, differences
from app.store.work import Work
from app.sync.engine import Engine
from app.sync.following import finish

Answer = Callable[[Results], dict[str, Any]]


class Refused(Exception):
    """A batch that is all or nothing was nothing; `results` says of each draft what is wrong with it, if anything."""

    def __init__(self, results: Results) -> None:
        super().__init__()
        self.results = results


def create_many(
    engine: Engine, resource: Resource, drafts: Sequence[Fields], *,
    ids: Sequence[str] | None = None, origin: Origin = "api", atomic: bool = False, claim: Claim | None = None,
    answer: Answer | None = None,
) -> Results:  # fmt: skip
    """Store new records in one transaction, due to be pushed now; return each, or why it was not stored.

    They get `ids`, which nobody has, or new ones.

    The answer to a request with a `claim` is kept in the same transaction, so there is always a whole one to repeat;
    `answer` makes it and does nothing else. Raises Repeated, and Refused when `atomic` and not every draft is good.
    """
    now = engine.world.now()
    made = _records(engine, resource, drafts, now, ids)
    batch = engine.world.new_id()

    def store(tx: Connection) -> Results:
        if claim is not None and not answers.begin(tx, claim.key, claim.fingerprint, resource.name, batch, now):
            raise Repeated
        work = Work(tx, resource)
        results = _sorted_out(work, made, origin, now)
        if atomic and any(isinstance(one, ServiceError) for one in results):
            raise Refused(results)
        finish(work, engine)
        if claim is not None and answer is not None:
            answers.keep(tx, claim.key, answer(results))
        return results

    return transact(store)


def check_many(engine: Engine, resource: Resource, drafts: Sequence[Fields]) -> Results:
    """Say what `create_many` would; nothing is stored."""
    now = engine.world.now()
    made = _records(engine, resource, drafts, now)
    with reading() as connection:
        return _sorted_out(Work(connection, resource, locking=False), made, "api", now)


def repeated(claim: Claim) -> dict[str, Any]:
    """Return what the first request with this key was answered. Raises KeyReused."""
    with reading() as connection:
        known = answers.get(connection, claim.key)
    if known is None or known.fingerprint != claim.fingerprint or known.body is None:
        raise KeyReused("This Idempotency-Key was sent before with another request.")
    return known.body


def unique_keys(resource: Resource, drafts: Iterable[Fields]) -> dict[str, list[str]]:
    """Return the compared forms of the unique values in some drafts, by the name of the field."""
    found: dict[str, dict[str, None]] = {name: {} for name in resource.unique_fields}
    for fields in drafts:
        for name, keys in found.items():
            if (key := unique_key(fields.get(name))) is not None:
                keys[key] = None
    return {name: list(keys) for name, keys in found.items() if keys}


def _records(
    engine: Engine, resource: Resource, drafts: Sequence[Fields], now: datetime, ids: Sequence[str] | None = None
) -> list[Record]:
    whole = [drafted(engine, resource, fields) for fields in drafts]
    ids = [engine.world.new_id() for _ in whole] if ids is None else ids
    return [Record(resource.name, one, fields, created_at=now, last_updated=now)
            for one, fields in zip(ids, whole, strict=True)]  # fmt: skip


def _sorted_out(work: Work, made: Sequence[Record], origin: Origin, now: datetime) -> Results:
    work.load(keys=unique_keys(work.resource, (record.fields for record in made)))
    earlier: set[str] = set()
    unknown = references.unknown(work, [record.fields for record in made])
    wrong = [checks.wrong(work.resource, record.fields) | found for record, found in zip(made, unknown, strict=True)]
    return [
        Invalid(summary(found), errors=found) if found else _take(work, record, origin, now, earlier)
        for record, found in zip(made, wrong, strict=True)
    ]


def _take(work: Work, record: Record, origin: Origin, now: datetime, earlier: set[str]) -> Record | ServiceError:
    """Take a record into the unit of work, unless another has one of its unique values."""
    singular = work.resource.singular
    for name in work.resource.unique_fields:
        holder = work.holder(name, record.fields[name])
        if holder is not None:
            who = f"An earlier {singular} in this batch" if holder.id in earlier else f"Another {singular}"
            return Taken(f"{who} has this {name}.", errors={name: ["Is taken."]})
    earlier.add(record.id)
    work.add(record)
    work.journal.append(Entry.about(record, differences({}, record.fields), origin))
    work.owe(record.id, now)
    return record
