"""The values that travel through the program: a record, what the CRM last told us of it, what the CRM says now."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal

Fields = dict[str, Any]
Status = Literal["pending", "synced", "failed", "conflict"]
Origin = Literal["api", "webhook", "pull", "push", "rollback", "resolution", "rule"]

MISSING: Final = "\0missing"
"""Stands for a value that nobody mentioned; no text field can hold it, since NUL is refused everywhere."""


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are the same JSON. To Python, 1 is True and 0 is False, in a list or an object too."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


@dataclass(slots=True, frozen=True)
class Stamp:
    """When the CRM says a value became true, by its own version or its own clock."""

    version: int | None = None
    at: datetime | None = None


@dataclass(slots=True)
class Record:
    """One row of a resource. `fields` holds the declared fields by our names."""

    resource: str
    id: str
    fields: Fields
    created_at: datetime
    last_updated: datetime
    status: Status = "pending"
    error: str | None = None
    crm_id: str | None = None
    version: int = 1
    deleted_at: datetime | None = None


@dataclass(slots=True)
class CrmCopy:
    """What the CRM last told us about a record: the base of the merge. Fields are by our names.

    `version` is the newest CRM version that we know whole (the one to send in If-Match); `stamps` say for each field
    how new our knowledge is; `same_as` holds local values that count as equal to what the CRM stores, because it
    keeps them in another form; `held` names the fields that wait for a person. `deleted` says that the CRM's record is
    none of ours any more; `former` are crm_ids that the record was linked with before.
    """

    crm_id: str
    fields: Fields = field(default_factory=dict)
    version: int | None = None
    stamps: dict[str, Stamp] = field(default_factory=dict)
    same_as: Fields = field(default_factory=dict)
    held: list[str] = field(default_factory=list)
    deleted: bool = False
    former: list[str] = field(default_factory=list)


@dataclass(slots=True, frozen=True)
class Snapshot:
    """What the CRM says about a record now. `whole` is False for a webhook, which names only some fields.

    `fields` are in the CRM's own names and form. `stamp` is the CRM's version and clock. `found` says that this was
    looked up after a create whose answer was lost: it may hold what others changed since. `merged_into` is the crm_id
    of the record that this deleted one lives on in.
    """

    crm_id: str
    fields: Mapping[str, Any]
    stamp: Stamp = Stamp()
    external_id: str | None = None
    deleted: bool = False
    whole: bool = True
    found: bool = False
    merged_into: str | None = None
