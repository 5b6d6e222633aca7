"""What a run did, in numbers."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from app.sync.ending import Ended
from app.sync.incoming import Applied


@dataclass
class Counts:
    """What a run did.

    `pulled` counts records that changed here, `pushed` those that the CRM took, `synced` both; `created`, `updated` and
    `deleted` on either side; `seen` what the CRM listed; `errors` failures by their kind; `unmentioned` records without
    a field that the CRM once told us of, by resource and field.
    """

    synced: int = 0
    pulled: int = 0
    pushed: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    failed: int = 0
    conflicts: int = 0
    skipped: int = 0
    seen: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    unmentioned: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Counts":
        """Return what was stored; what an older version did not count is 0."""
        return cls(**{one.name: stored[one.name] for one in fields(cls) if one.name in stored})

    def shown(self) -> dict[str, Any]:
        return asdict(self)

    def add(self, other: "Counts") -> None:
        for one in fields(self):
            mine, more = getattr(self, one.name), getattr(other, one.name)
            if isinstance(mine, dict):
                mine.update({kind: mine.get(kind, 0) + count for kind, count in more.items()})
            else:
                setattr(self, one.name, mine + more)

    def plus(self, other: "Counts") -> "Counts":
        both = Counts.of(self.shown())
        both.add(other)
        return both

    def taken(self, applied: Applied) -> None:
        """Count what a pull brought."""
        self.conflicts += applied.conflicts
        for name in applied.unmentioned:
            self.unmentioned[name] = self.unmentioned.get(name, 0) + 1
        if applied.outcome == "applied":
            self.here(applied.kind)
        elif applied.outcome in {"invalid", "conflict"}:
            self.skipped += 1

    def ended(self, ended: Ended) -> None:
        """Count how a push ended; one that only asked, or found nothing left to say, changed nothing there."""
        self.conflicts += ended.conflicts
        if ended.reason is not None:
            self.failure("rejected" if ended.status == "failed" else "unavailable")
        elif ended.kind:
            self.there(ended.kind)

    def failure(self, kind: str) -> None:
        self.failed += 1
        self.errors[kind] = self.errors.get(kind, 0) + 1

    def here(self, kind: str) -> None:
        """Count a record that changed here."""
        self.pulled += 1
        self._changed(kind)

    def there(self, kind: str) -> None:
        """Count a record that changed in the CRM."""
        self.pushed += 1
        self._changed(kind)

    def _changed(self, kind: str) -> None:
        self.synced += 1
        if kind:
            setattr(self, kind, getattr(self, kind) + 1)
