"""Changes records: one unit of work is one transaction, and remembers what changed for the webhooks."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mock_crm import records
from mock_crm.errors import ApiError, not_found
from mock_crm.fields import Draft, Resource, invalid
from mock_crm.records import Record

Mangle = Callable[[Resource, dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Change:
    resource: str
    event: str
    record: Record
    updated_fields: dict[str, Any]


@dataclass
class Writing:
    """The only way in for a change, whoever makes it: API, batch or page."""

    db: sqlite3.Connection
    now: str
    mangle: Mangle
    """What an injected fault does to the values before they are stored."""
    changes: list[Change] = field(default_factory=list)

    def create(self, resource: Resource, draft: Draft) -> Record:
        self._check(resource, draft, None)
        return self._create(resource, draft)

    def _create(self, resource: Resource, draft: Draft) -> Record:
        values = resource.defaults | self.mangle(resource, draft.values)
        record = Record(
            number=0,
            external_id=draft.about.get("external_id"),
            version=1,
            updated_at=self.now,
            deleted=False,
            fields=values,
        )
        records.insert(self.db, resource.name, record)
        self.changes.append(Change(resource.name, "created", record, values))
        return record

    def update(self, resource: Resource, crm_id: str, draft: Draft, expects: Callable[[int], bool]) -> Record:
        """Store what differs; a write that changes nothing leaves the version and tells nobody."""
        record = records.find(self.db, resource.name, crm_id, deleted=True)
        self._check(resource, draft, record)
        return self._change(resource, _living(record), draft, expects)

    def delete(self, resource: Resource, crm_id: str, expects: Callable[[int], bool]) -> Record:
        record = live(self.db, resource, crm_id)
        _require(record, expects)
        record.deleted = True
        self._save(resource, record, "deleted", {})
        return record

    def merge(self, resource: Resource, crm_id: str, loser_id: str, expects: Callable[[int], bool]) -> Record:
        """Make one record of two: the loser becomes a tombstone that names the other and fills what is null in it."""
        if crm_id == loser_id:
            raise ApiError(400, "validation_failed", "A record cannot be merged with itself.")
        winner, loser = self._undeleted(resource, crm_id), self._undeleted(resource, loser_id)
        _require(winner, expects)
        loser.deleted, loser.merged_into = True, winner.number
        self._save(resource, loser, "deleted", {})
        filled = {name: value for name, value in loser.fields.items() if winner.fields.get(name) is None}
        return self._change(resource, winner, Draft(filled), expects)

    def upsert(self, resource: Resource, item: object) -> dict[str, Any]:
        """One item of a batch: its outcome, never an error, so that a bad item does not hold up the good ones."""
        try:
            status, record = self._upsert(resource, item)
        except ApiError as refusal:
            return {"status": refusal.status, **_names(item), **refusal.body}
        if "status" in record.fields:  # which must not be taken for the outcome
            return {"status": status, **record.about(), "fields": record.fields}
        return {"status": status, **record.as_json()}

    def _upsert(self, resource: Resource, item: object) -> tuple[int, Record]:
        if not isinstance(item, Mapping):
            raise ApiError(400, "validation_failed", "An item must be an object.")
        crm_id, if_version = item.get("crm_id"), item.get("if_version")
        if crm_id is not None and not isinstance(crm_id, str):
            raise ApiError(400, "validation_failed", "crm_id must be a string.")
        if if_version is not None and type(if_version) is not int:
            raise ApiError(400, "validation_failed", "if_version must be a whole number.")
        draft = resource.draft(item, partial=True)
        if crm_id is None:
            record = self._linked(resource, draft.about.get("external_id"))
        else:
            record = records.find(self.db, resource.name, crm_id, deleted=True)
        self._check(resource, draft, record)
        if crm_id is not None:
            record = _living(record)
        if record is not None:
            return 200, self._change(resource, record, draft, lambda version: if_version in (None, version))
        if missing := resource.missing(draft):
            raise invalid(missing)
        return 201, self._create(resource, draft)

    def _linked(self, resource: Resource, external_id: str | None) -> Record | None:
        if external_id is None:
            return None
        found = records.find_by_external_id(self.db, resource.name, external_id, limit=1)
        return found[0] if found else None

    def _check(self, resource: Resource, draft: Draft, stored: Record | None) -> None:
        """Raises ApiError 400 naming every wrong field, a reference to a record that never was included."""
        values = {**(stored.fields if stored else {}), **draft.values}
        errors = dict(draft.errors)
        for each, kind in resource.references:
            is_sure = {each.name, kind.by} & draft.values.keys() and not {each.name, kind.by} & errors.keys()
            target = kind.target(values) if is_sure else None
            if target is not None and not self._is_or_was(target, values.get(each.name)):
                errors[each.name] = [f"must be the crm_id of one of the {target}"]
        if errors:
            raise invalid(errors)

    def _is_or_was(self, resource: str, crm_id: str | None) -> bool:
        return crm_id is None or records.find(self.db, resource, crm_id, deleted=True) is not None

    def _undeleted(self, resource: Resource, crm_id: str) -> Record:
        record = records.find(self.db, resource.name, crm_id, deleted=True)
        if record is None:
            raise not_found(f"There is no record {crm_id}.")
        if record.deleted:
            raise ApiError(409, "deleted", f"{crm_id} was deleted before.", **record.fate())
        return record

    def _change(self, resource: Resource, record: Record, draft: Draft, expects: Callable[[int], bool]) -> Record:
        _require(record, expects)
        wanted = self.mangle(resource, draft.values)
        before = record.fields
        updated = {name: value for name, value in wanted.items() if _written(before.get(name)) != _written(value)}
        external_id = draft.about.get("external_id", record.external_id)
        if updated or external_id != record.external_id:
            record.fields |= updated
            record.external_id = external_id
            self._save(resource, record, "updated", updated)
        return record

    def _save(self, resource: Resource, record: Record, event: str, updated: dict[str, Any]) -> None:
        record.version += 1
        record.updated_at = self.now
        records.update(self.db, resource.name, record)
        self.changes.append(Change(resource.name, event, record, updated))


def live(db: sqlite3.Connection, resource: Resource, crm_id: str) -> Record:
    """The record with that id; raises ApiError 404, which says where a merged one went."""
    return _living(records.find(db, resource.name, crm_id, deleted=True))


def _living(record: Record | None) -> Record:
    if record is None or record.deleted:
        raise not_found() if record is None else not_found(**record.fate())
    return record


def _names(item: object) -> dict[str, str]:
    """What a refused item called its record."""
    given = item if isinstance(item, Mapping) else {}
    return {key: given[key] for key in ("crm_id", "external_id") if isinstance(given.get(key), str)}


def _require(record: Record, expects: Callable[[int], bool]) -> None:
    if not expects(record.version):
        message = f"The record is at version {record.version} by now."
        raise ApiError(412, "version_mismatch", message, crm_id=record.crm_id, version=record.version)


def _written(value: Any) -> str:
    """Return a value as JSON: to Python, 1 is True."""
    return json.dumps(value, sort_keys=True)
