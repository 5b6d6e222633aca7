"""One declared field, as the code that works for every resource sees it."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from app.core.kinds import Kind
from app.core.reference import Reference

Policy = str
POLICIES = ("crm_wins", "local_wins", "latest", "manual")


@dataclass(frozen=True)
class Field:
    """One declared field. `crm` is the CRM's name for it, None when the CRM never hears of it."""

    name: str
    kind: type[Kind]
    crm: str | None
    wins: Policy | None
    unique: bool
    nullable: bool
    length: int | None
    example: Any
    default: Any = None

    @property
    def required(self) -> bool:
        """Whether there is no record without it."""
        return not self.nullable and self.default is None

    @property
    def reference(self) -> type[Reference] | None:
        return self.kind if issubclass(self.kind, Reference) else None

    def absent(self) -> Any:
        """Return the value of a record that was made without it."""
        return deepcopy(self.default)

    def to_crm(self, value: Any) -> Any:
        """Return the CRM's form of a value."""
        return self.kind.to_crm(value)

    def from_crm(self, value: Any) -> Any:
        """Return our form of what the CRM says, not checked yet; a CRM may say null where we have a default."""
        return self.absent() if value is None and not self.nullable else self.kind.from_crm(value)
