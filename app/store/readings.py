"""What the CRM's snapshots say in our words: read once for a unit of work, what they refer to looked up together."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.core import mapping
from app.core.errors import Messages
from app.core.record import CrmCopy, Fields, Snapshot
from app.core.resource import Resource
from app.store.identities import Identities
from app.store.links import Links, Named
from app.store.shelf import Shelf


@dataclass(frozen=True, slots=True)
class Reading:
    """What a snapshot says: in our form, what of it we cannot take, and whom it names that we do not know."""

    snapshot: Snapshot
    told: Fields
    wrong: Messages
    unknown: list[Named]


class Readings:
    """The snapshots of one resource."""

    def __init__(self, resource: Resource, links: Links, records: Identities, copies: Shelf[CrmCopy]) -> None:
        self._resource, self._links, self._records, self._copies = resource, links, records, copies
        self._read: dict[int, Reading] = {}

    def of(self, snapshot: Snapshot) -> Reading:
        if id(snapshot) not in self._read:
            self.load([snapshot])
        return self._read[id(snapshot)]

    def load(self, snapshots: Iterable[Snapshot]) -> None:
        new = [one for one in snapshots if id(one) not in self._read]
        read = [mapping.from_crm(self._resource, one.fields, self._told_before(one)) for one in new]
        linked = self._links.from_crm(told for told, _ in read)
        for one, (_, wrong), (told, unknown) in zip(new, read, linked, strict=True):
            gone = [name for name in self._resource.references if name in told and self._lacks(name, told[name])]
            wrong |= {name: ["Whom it names is not in the CRM."] for name in gone}
            good = {name: value for name, value in told.items() if name not in gone}
            self._read[id(one)] = Reading(one, good, wrong, unknown)

    def _told_before(self, snapshot: Snapshot) -> Fields | None:
        """Return what is known of a record by what was said of it, if that costs no look of its own."""
        record = self._records.linked_by_now(snapshot.crm_id)
        copy = None if record is None else self._copies.fetch(record.id, self._records.present)
        return None if copy is None or copy.crm_id != snapshot.crm_id else copy.fields

    def _lacks(self, name: str, value: Any) -> bool:
        """Tell whether a reference leads nowhere without which there is no record."""
        return value is None and self._resource.fields[name].required
