"""Between our ids and the CRM's: what records refer to, looked up together and remembered for one unit of work."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, Table, select

from app.core.db import db
from app.core.record import Fields
from app.core.resource import Resource
from app.store import crm_copies
from app.store.upsert import one_of

Named = tuple[str, str]
"""A resource, and an id of one of its records: ours or the CRM's."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a reference leads to."""

    crm_id: str | None
    is_live: bool
    is_apart: bool = False
    """It has no counterpart in the CRM on purpose, and will not get one by itself."""


class Links:
    """The references of the records of one resource."""

    def __init__(self, tx: Connection, resource: Resource) -> None:
        self._tx = tx
        self._resource = resource
        self._ours: dict[Named, str | None] = {}
        self._targets: dict[str, Target | None] = {}

    # ── from the CRM ─────────────────────────────────────────────────────────────────────────────────────────────

    def know(self, found: Mapping[Named, str | None]) -> None:
        """Take note of whom the CRM's ids mean; None: of nobody that will ever be here."""
        self._ours |= found

    def from_crm(self, told: Iterable[Fields]) -> list[tuple[Fields, list[Named]]]:
        """Put our ids in the place of the CRM's, a statement for each resource that is referred to.

        What refers to somebody unknown is left out: each comes with whom it would have to know.
        """
        some = list(told)
        if not self._resource.references:
            return [(fields, []) for fields in some]
        self._load_ours({one for fields in some for one in self._named(fields).values()})
        return [self._with_ours(fields) for fields in some]

    def _with_ours(self, told: Fields) -> tuple[Fields, list[Named]]:
        named = self._named(told)
        unknown = {name: one for name, one in named.items() if one not in self._ours}
        # The word that says what a reference leads to comes in with it or not at all.
        half = [name for name, kind in self._resource.references.items() if kind.beside in told and name not in told]
        known = {name: self._ours[one] for name, one in named.items() if name not in unknown}
        left_out = {*unknown, *(self._resource.references[name].beside for name in (*unknown, *half))}
        said = {name: known.get(name, value) for name, value in told.items() if name not in left_out}
        return said, [*unknown.values(), *(("", name) for name in half)]

    def _named(self, fields: Fields) -> dict[str, Named]:
        """Return what the fields refer to; the resource is empty when the message does not say which one."""
        given = {name: fields[name] for name in self._resource.references if fields.get(name) is not None}
        return {name: (self._resource.references[name].target(fields) or "", value) for name, value in given.items()}

    def _load_ours(self, wanted: set[Named]) -> None:
        for resource in sorted({resource for resource, _ in wanted - self._ours.keys()} - {""}):
            crm_ids = sorted(one for name, one in wanted if name == resource)
            rows = self._tx.execute(_by_crm_id(resource), {"crm_ids": crm_ids})
            self._ours |= {(resource, row.crm_id): row.id for row in rows}
            # Who was kept here when the CRM deleted its counterpart is still meant by the old id.
            left = [one for one in crm_ids if (resource, one) not in self._ours]
            self._ours |= {(resource, one): record_id for one, record_id in crm_copies.kept(self._tx, resource, left)}

    # ── to the CRM ───────────────────────────────────────────────────────────────────────────────────────────────

    def targets(self, records: Iterable[Fields]) -> list[dict[str, tuple[str, Target | None]]]:
        """Return for each record what its references lead to, by field: (our id, the record or None)."""
        named = [self._named(fields) for fields in records]
        self._load_targets({one for some in named for one in some.values()})
        return [{name: (one[1], self._targets.get(one[1])) for name, one in some.items()} for some in named]

    def _load_targets(self, wanted: set[Named]) -> None:
        missing = {one for one in wanted if one[1] not in self._targets}
        for resource in sorted({resource for resource, _ in missing} - {""}):
            ids = sorted(one for name, one in missing if name == resource)
            for row in self._tx.execute(_by_id(resource), {"ids": ids}):
                is_apart = row.crm_id is None and row.sync_status == "synced"
                self._targets[row.id] = Target(row.crm_id, row.deleted_at is None, is_apart)


@cache
def _by_crm_id(resource: str) -> Select[Any]:
    table = _table(resource)
    return select(table.c.id, table.c.crm_id).where(one_of(table.c.crm_id, "crm_ids"))


@cache
def _by_id(resource: str) -> Select[Any]:
    table = _table(resource)
    query = select(table.c.id, table.c.crm_id, table.c.deleted_at, table.c.sync_status)
    return query.where(one_of(table.c.id, "ids"))


def _table(resource: str) -> Table:
    tables: dict[str, Any] = dict(db.metadata.tables)
    found: Table = tables[resource.replace("-", "_")]
    return found
