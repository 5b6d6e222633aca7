"""What a program says of the sync that it embeds: the direction, who wins, how much at once, how often."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

LARGEST_BATCH = 1000


class SyncDirection(StrEnum):
    """Which way records travel; the values are the engine's own words."""

    BIDIRECTIONAL = "both"
    API_TO_DB = "pull"
    DB_TO_API = "push"


class ConflictResolution(StrEnum):
    """Who wins when both sides changed a field; the values are the engine's own words."""

    API_WINS = "crm_wins"
    DB_WINS = "local_wins"
    LATEST_TIMESTAMP = "latest"
    MANUAL_REVIEW = "manual"


@dataclass(frozen=True)
class SyncConfig:
    """How to sync. Raises ValueError that names a wrong parameter.

    `max_retries` is the attempts of one call, in the place of what CRMConfig says; `entities_to_sync` are names of
    resources, None for all. `enable_rollback` takes back, here and in the CRM, all that a run did which failed: see
    CRMSync.manual_sync for what that means.
    """

    direction: SyncDirection = SyncDirection.BIDIRECTIONAL
    conflict_resolution: ConflictResolution = ConflictResolution.LATEST_TIMESTAMP
    batch_size: int = 100
    sync_interval_minutes: float = 15
    max_retries: int = 3
    enable_rollback: bool = False
    sync_deleted: bool = True
    entities_to_sync: tuple[str, ...] | list[str] | None = None

    def __post_init__(self) -> None:
        for name, kind in (("direction", SyncDirection), ("conflict_resolution", ConflictResolution)):
            object.__setattr__(self, name, _member(name, kind, getattr(self, name)))
        _check_whole("batch_size", self.batch_size, LARGEST_BATCH)
        _check_whole("max_retries", self.max_retries)
        if not isfinite(self.sync_interval_minutes) or self.sync_interval_minutes <= 0:
            raise ValueError("sync_interval_minutes must be above 0.")
        if isinstance(self.entities_to_sync, str) or self.entities_to_sync == []:
            raise ValueError("entities_to_sync must be a list of names, or None for all.")

    def entities(self, known: Iterable[str]) -> tuple[str, ...]:
        """Return what to sync, in the order of `known`; calendar_events is calendar-events. Raises ValueError."""
        names = list(known)
        if self.entities_to_sync is None:
            return tuple(names)
        wanted = {name.replace("_", "-") for name in self.entities_to_sync}
        if unknown := wanted - set(names):
            raise ValueError(f"entities_to_sync: there is no {', '.join(sorted(unknown))}.")
        return tuple(name for name in names if name in wanted)


def _member(name: str, kind: type[StrEnum], value: str) -> StrEnum:
    try:
        return kind(value)
    except ValueError:
        raise ValueError(f"{name} must be one of {', '.join(one.name for one in kind)}.") from None


def _check_whole(name: str, value: object, most: int = 2**31) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ValueError(f"{name} must be a whole number from 1 to {most}.")
