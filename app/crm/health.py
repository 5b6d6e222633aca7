"""Whether a CRM answers and lets us in, as a program asks before it begins."""

from collections.abc import Callable
from dataclasses import dataclass

from app.core.world import World
from app.crm.errors import CRMError


@dataclass(frozen=True)
class Health:
    """What one call has shown. `signed_in` is None where nobody knows; `error` and `advice` say what is wrong."""

    reachable: bool
    signed_in: bool | None
    milliseconds: float
    error: str | None = None
    advice: str | None = None

    @property
    def ok(self) -> bool:
        """Whether there is nothing to see to."""
        return self.error is None


def health(world: World, call: Callable[[], None]) -> Health:
    """Make one call and say how it went."""
    began = world.monotonic()
    problem: CRMError | None = None
    try:
        call()
    except CRMError as error:
        problem = error
    milliseconds = round((world.monotonic() - began) * 1000, 1)
    if problem is None:
        return Health(reachable=True, signed_in=True, milliseconds=milliseconds)
    return Health(
        reachable=problem.status is not None,
        signed_in=False if problem.is_about_credentials else None,
        milliseconds=milliseconds,
        error=problem.message,
        advice=problem.advice,
    )
