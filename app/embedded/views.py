"""What a program that embeds the sync is shown: how it is, and the conflicts that wait for a person."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.services import operations
from app.services.status import status
from app.sync.engine import Engine

AT_ONCE = 200


@dataclass(frozen=True)
class Conflict:
    """A field that both sides changed, or another matter that a person has to decide.

    `entity_id` is our id, None where the CRM's record has no counterpart here yet; `field` is None for what concerns
    the record as a whole; `kind` is field, duplicate, deleted or invalid.
    """

    id: str
    entity_type: str
    entity_id: str | None
    field: str | None
    local: Any
    crm: Any
    kind: str
    crm_id: str


def open_conflicts(engine: Engine, resources: Sequence[str]) -> Iterator[Conflict]:
    """Yield the conflicts of some resources that wait for a person, the newest of each first."""
    for name in resources:
        offset, total = 0, 1
        while offset < total:
            about = {"status": "open", "resource": name}
            found, total = operations.list_conflicts(about, AT_ONCE, offset)
            offset += AT_ONCE
            yield from (_conflict(engine, one) for one in found)


def _conflict(engine: Engine, found: dict[str, Any]) -> Conflict:
    return Conflict(
        id=found["id"],
        entity_type=engine.registry[found["resource"]].singular,
        entity_id=found["record_id"],
        field=found["field"],
        local=found["local"],
        crm=found["crm"],
        kind=found["kind"],
        crm_id=found["crm_id"],
    )


def summary(engine: Engine, resources: Sequence[str]) -> dict[str, Any]:
    """Return how the sync of some resources is, in a few numbers; the success rate is of their last runs."""
    whole = status(engine)
    parts = [whole["resources"][name] for name in resources]
    ended = [one["last_run"]["finished_at"] for one in parts if one["last_run"] is not None]
    count = sum(one["totals"]["runs"] for one in parts)
    good = sum(one["success_rate"] * one["totals"]["runs"] for one in parts if one["success_rate"] is not None)
    return {
        "healthy": all(one["healthy"] for one in parts) and whole["crm"]["circuit"] == "closed",
        "last_sync": max(ended, default=None),
        "success_rate": round(good / count, 4) if count else None,
        "total_conflicts": sum(one["conflicts_open"] for one in parts),
        "owed": sum(one["owed"] for one in parts),
        "failed": sum(one["records"].get("failed", 0) for one in parts),
        "resources": {name: whole["resources"][name] for name in resources},
    }
