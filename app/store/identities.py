"""The records of a unit of work, and what no two of them may share: the crm_id and the unique fields."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from app.core.kinds import unique_key
from app.core.record import Fields, Record
from app.core.resource import Resource
from app.store import records, search
from app.store.records import Keys
from app.store.shelf import Shelf

Claims = tuple[str | None, dict[str, str]]
"""What no two records may share: the crm_id, and the compared forms of the unique fields of a live one."""

Indexed = tuple[Fields, datetime, bool]
"""What the index of words says of a record: its fields, when they last changed, and whether it is there at all."""


class Identities(Shelf[Record]):
    """Records by id, by crm_id and by unique field, as they are in memory by now."""

    def __init__(self, tx: Connection, resource: Resource, *, locking: bool) -> None:
        super().__init__(lambda _: {})
        self._tx = tx
        self._resource = resource
        self._locking = locking
        self._linked: dict[str, str | None] = {}
        self._holders: dict[tuple[str, str], str | None] = {}
        self._shown: dict[str, Claims] = {}
        self._claimed_before: dict[str, Claims] = {}
        self._indexed: dict[str, Indexed] = {}
        self._new: set[str] = set()

    def load(
        self, *, ids: Iterable[str] = (), crm_ids: Iterable[str] = (), keys: Keys | None = None, or_skip: bool = False
    ) -> None:
        """Read records in advance, with one statement."""
        wanted = [one for one in dict.fromkeys(ids) if one not in self]
        links = [one for one in dict.fromkeys(crm_ids) if one not in self._linked]
        unknown = {name: [key for key in dict.fromkeys(found) if (name, key) not in self._holders]
                   for name, found in (keys or {}).items()}  # fmt: skip
        unknown = {name: found for name, found in unknown.items() if found}
        if not (wanted or links or unknown):
            return
        for record in records.find(
            self._tx, self._resource, ids=wanted, crm_ids=links, keys=unknown, lock=self._locking, or_skip=or_skip
        ):
            if record.id not in self:
                self._show(record)
                self._claimed_before[record.id] = self._shown[record.id]
                self._indexed[record.id] = _words_of(record)
                self.know(record.id, record)
        self._note_absent(wanted, links, unknown)

    def linked_ids(self) -> Iterable[str]:
        """Return the crm_ids that were asked for."""
        return self._linked

    def linked(self, crm_id: str) -> Record | None:
        if crm_id not in self._linked:
            self.load(crm_ids=[crm_id])
        return self._one(self._linked[crm_id])

    def linked_by_now(self, crm_id: str) -> Record | None:
        """Return the record if it has been asked for before."""
        return self._one(self._linked.get(crm_id))

    def holder(self, name: str, value: str | None) -> Record | None:
        key = unique_key(value)
        if key is None:
            return None
        if (name, key) not in self._holders:
            self.load(keys={name: [key]})
        return self._one(self._holders[name, key])

    def add(self, record: Record) -> None:
        self._new.add(record.id)
        self.save(record)

    def save(self, record: Record) -> None:
        self._hide(record.id)
        self._show(record)
        self.put(record.id, record)

    def flush(self) -> list[str]:
        """Write what changed; return the records that have a counterpart in the CRM, or another one, from now on."""
        changed = self.changed()
        if len(changed) > 1 and (gave_up := [one for one in changed if self._gave_up(one)]):
            # One record may have taken what another gave up: no order of writing suits all, so these let go first.
            records.release(self._tx, self._resource, gave_up)
        # In the order of what no two may share: writers of the same values must not wait for each other in a circle.
        new = sorted((one for one in changed.values() if one.id in self._new), key=self._order)
        records.add(self._tx, self._resource, new)
        records.save(self._tx, self._resource, [one for one in changed.values() if one.id not in self._new])
        # Most of what is saved is where a record stands with the CRM: nobody looks for that by words.
        moved = [one for one in changed.values() if self._indexed.get(one.id) != _words_of(one)]
        search.put(self._tx, self._resource, moved)
        before = {one: self._claimed_before.get(one, self._shown[one])[0] for one in changed}
        return [one for one in changed if self._shown[one][0] not in {None, before[one]}]

    def _one(self, record_id: str | None) -> Record | None:
        return None if record_id is None else self.get(record_id)

    def _keys(self, record: Record) -> dict[str, str]:
        if record.deleted_at is not None:
            return {}
        found = {name: unique_key(record.fields[name]) for name in self._resource.unique_fields}
        return {name: key for name, key in found.items() if key is not None}

    def _order(self, record: Record) -> list[str]:
        return list(self._keys(record).values())

    def _show(self, record: Record) -> None:
        keys = self._keys(record)
        self._shown[record.id] = (record.crm_id, keys)
        if record.crm_id is not None:
            self._linked[record.crm_id] = record.id
        for pair in keys.items():
            self._holders[pair] = record.id

    def _hide(self, record_id: str) -> None:
        crm_id, keys = self._shown.pop(record_id, (None, {}))
        if crm_id is not None and self._linked.get(crm_id) == record_id:
            self._linked[crm_id] = None
        for pair in keys.items():
            if self._holders.get(pair) == record_id:
                self._holders[pair] = None

    def _note_absent(self, ids: Iterable[str], links: Iterable[str], keys: Keys) -> None:
        for one in ids:
            if one not in self:
                self.know(one, None)
        for crm_id in links:
            self._linked.setdefault(crm_id, None)
        for name, found in keys.items():
            for key in found:
                self._holders.setdefault((name, key), None)

    def _gave_up(self, record_id: str) -> bool:
        crm_id, keys = self._claimed_before.get(record_id, (None, {}))
        now_crm_id, now_keys = self._shown[record_id]
        return (crm_id is not None and crm_id != now_crm_id) or any(
            now_keys.get(name) != key for name, key in keys.items()
        )


def _words_of(record: Record) -> Indexed:
    return dict(record.fields), record.last_updated, record.deleted_at is not None
