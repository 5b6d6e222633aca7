"""What the engine works with: handed in from the one wiring place, so that nothing reaches out for it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from app.core.resource import Registry
from app.core.world import World
from app.crm import CRMClient
from app.crm.lanes import Lanes
from app.sync.policy import Policies


def _nothing(*_about: str, **_labels: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Engine:
    """The CRM, the world and the settings of the sync. Times are timedeltas; `batch_size` is records a page."""

    registry: Registry
    crm: CRMClient
    world: World = field(default_factory=World)
    policies: Policies = field(default_factory=Policies)
    batch_size: int = 100
    interval: timedelta = timedelta(minutes=15)
    give_up_after: timedelta = timedelta(hours=24)
    push_budget: float = 10.0
    sync_deleted: bool = True
    inline: bool = True
    webhook_url: str | None = None
    webhook_secret: str | None = field(default=None, repr=False)
    lanes: Lanes = field(default_factory=lambda: Lanes(World(), 1))
    """How many calls a run of pushes has under way at once."""
    count: Callable[..., None] = _nothing
    """Counts an event by name and labels; the metrics listen."""
    on_spent: Callable[[str, str, str], None] = _nothing
    """Told once, with resource, record id and reason, when all retries of a record are spent."""
