"""Who wins a conflict: pure, from the configured policies, the declaration and the two times."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
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

    def of(self, resource: Resource, name: str, rules: Mapping[str, Policy] = MappingProxyType({})) -> Policy:
        """Return the policy for a field.

        In this order: a rule that a person made, configured for it, declared on it, for its resource, the default.
        """
        scope = f"{resource.name}.{name}"
        chosen = rules.get(scope) or self.special.get(scope) or resource.fields[name].wins
        return chosen or self.special.get(resource.name) or self.default

    def __str__(self) -> str:
        """Return it in the form of `CONFLICT_POLICY`."""
        return ",".join([self.default, *(f"{scope}:{chosen}" for scope, chosen in self.special.items())])


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
