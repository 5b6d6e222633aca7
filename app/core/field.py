"""One declared field, as the code that works for every resource sees it."""

from dataclasses import dataclass
from typing import Any

from app.core.kinds import Text

Policy = str
POLICIES = ("crm_wins", "local_wins", "latest", "manual")


@dataclass(frozen=True)
class Field:
    """One declared field. `crm` is the CRM's name for it, None when the CRM never hears of it."""

    name: str
    kind: type[Text]
    crm: str | None
    wins: Policy | None
    unique: bool
    nullable: bool
    length: int | None
    example: Any
