"""Where the rows of an import go: into the database, or into a rehearsal that says the same and stores nothing."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from app.core.db import reading
from app.core.kinds import unique_key
from app.core.record import Fields, Record
from app.core.resource import Resource
from app.services import batches, records
from app.services.batches import unique_keys
from app.services.records import Results
from app.store import records as stored
from app.store.rehearsal import Rehearsed
from app.sync.engine import Engine


class Landing(Protocol):
    def holders(self, drafts: Sequence[Fields]) -> list[list[Record]]:
        """Return for each draft the live records that have one of its unique values."""

    def known(self, ids: Sequence[str]) -> set[str]:
        """Return which of some ids belong to a record."""

    def create(self, drafts: Sequence[Fields], ids: Sequence[str] | None) -> Results: ...

    def change(self, record: Record, fields: Fields) -> None:
        """Change some fields of a record. Raises NotFound and Taken."""

    def close(self) -> None: ...


class Database:
    """The real thing."""

    def __init__(self, engine: Engine, resource: Resource) -> None:
        self._engine = engine
        self._resource = resource

    def holders(self, drafts: Sequence[Fields]) -> list[list[Record]]:
        return _for_each(self._resource, drafts, _found(self._resource, drafts))

    def known(self, ids: Sequence[str]) -> set[str]:
        with reading() as connection:
            return {record.id for record in stored.find(connection, self._resource, ids=ids)}

    def create(self, drafts: Sequence[Fields], ids: Sequence[str] | None) -> Results:
        return batches.create_many(self._engine, self._resource, drafts, ids=ids)

    def change(self, record: Record, fields: Fields) -> None:
        records.change(self._engine, self._resource, record.id, fields, wait=False)

    def close(self) -> None:
        """Nothing to close."""


class Rehearsal:
    """What the database would be, without touching it."""

    def __init__(self, engine: Engine, resource: Resource) -> None:
        self._engine = engine
        self._resource = resource
        self._rehearsed = Rehearsed()

    def holders(self, drafts: Sequence[Fields]) -> list[list[Record]]:
        found = {record.id: record for record in _found(self._resource, drafts)}
        for record_id, fields in self._rehearsed.find(unique_keys(self._resource, drafts)).items():
            found[record_id] = self._record(record_id, fields)
        return _for_each(self._resource, drafts, list(found.values()))

    def known(self, ids: Sequence[str]) -> set[str]:  # noqa: ARG002  (it goes on after nothing)
        return set()

    def create(self, drafts: Sequence[Fields], ids: Sequence[str] | None) -> Results:  # noqa: ARG002
        made = batches.check_many(self._engine, self._resource, drafts)
        for record in made:
            if isinstance(record, Record):
                self._put(record)
        return made

    def change(self, record: Record, fields: Fields) -> None:
        self._put(replace(record, fields=record.fields | fields))

    def close(self) -> None:
        self._rehearsed.close()

    def _put(self, record: Record) -> None:
        self._rehearsed.put(record.id, record.fields, unique_keys(self._resource, [record.fields]))

    def _record(self, record_id: str, fields: Fields) -> Record:
        now = self._engine.world.now()
        whole = self._resource.whole(fields)
        return Record(self._resource.name, record_id, whole, created_at=now, last_updated=now)


def _found(resource: Resource, drafts: Sequence[Fields]) -> list[Record]:
    keys = unique_keys(resource, drafts)
    if not keys:
        return []
    with reading() as connection:
        return stored.find(connection, resource, keys=keys)


def _for_each(resource: Resource, drafts: Sequence[Fields], found: Sequence[Record]) -> list[list[Record]]:
    by_key = {
        (name, key): record
        for record in found
        for name in resource.unique_fields
        if (key := unique_key(record.fields[name])) is not None
    }
    pairs = [[(name, unique_key(fields.get(name))) for name in resource.unique_fields] for fields in drafts]
    held = [[by_key[pair] for pair in some if pair in by_key] for some in pairs]
    return [list({record.id: record for record in some}.values()) for some in held]
