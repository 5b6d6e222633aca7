"""Who wins a conflict: pure, from the configured policies, the declaration and the two times."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from app.core.field import POLICIES, Policy
from app.core.resource import Resource

Winner = Literal["crm", "local"]
TOO_CLOSE = timedelta(seconds=2)
"""Two clocks that differ by less say nothing about what was later."""


@dataclass(frozen=True)
class Policies:
    """The policy for everything, and for single resources (`users`) and fields (`users.phone`)."""

    default: Policy = "crm_wins"
    special: dict[str, Policy] = field(default_factory=dict)

    def of(self, resource: Resource, name: str) -> Policy:
        """Return the policy for a field: configured for it, declared on it, for its resource, or the default."""
        configured = self.special.get(f"{resource.name}.{name}")
        return configured or resource.fields[name].wins or self.special.get(resource.name) or self.default


def parse(text: str) -> Policies:
    """Read `CONFLICT_POLICY`: one policy for all, or a list such as `crm_wins,users.phone:local_wins`."""
    default, special = "crm_wins", {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        scope, colon, policy = part.rpartition(":")
        if policy not in POLICIES:
            raise ValueError(f"CONFLICT_POLICY: {policy!r} is none of {', '.join(POLICIES)}.")
        if colon:
            special[scope] = policy
        else:
            default = policy
    return Policies(default, special)


def winner(policy: Policy, local_at: datetime | None, crm_at: datetime | None) -> Winner | None:
    """Return who wins a conflict; None when a person has to say."""
    if policy == "crm_wins":
        return "crm"
    if policy == "local_wins":
        return "local"
    if policy == "latest" and local_at is not None and crm_at is not None and abs(local_at - crm_at) >= TOO_CLOSE:
        return "local" if local_at > crm_at else "crm"
    return None
