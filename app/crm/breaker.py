"""Whether to ask the CRM at all: the circuit breaker."""

import threading

from app.core.world import World
from app.crm.errors import CircuitOpen

FAILURES_TO_OPEN = 5
FIRST_REST = 5.0
LONGEST_REST = 15.0


class Breaker:
    """Stops asking a CRM that does not answer, and lets one call through now and then to see whether it is back."""

    def __init__(self, world: World, trial: float = FIRST_REST) -> None:
        """`trial` is how many seconds one call may take to show whether the CRM is back."""
        self._world = world
        self._trial = trial
        self._trying = False
        self._failures = 0
        self._rest = FIRST_REST
        self._open_until: float | None = None
        self.heard_at: float | None = None
        """When the CRM last answered, monotonic."""
        self._lock = threading.Lock()

    @property
    def state(self) -> str:
        if self._open_until is None:
            return "closed"
        return "open" if self._world.monotonic() < self._open_until else "half_open"

    def opens_in(self) -> float:
        """Return the seconds until a call is worth trying; 0 when it is now."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - self._world.monotonic())

    def check(self) -> None:
        """Raise CircuitOpen unless a call may be made now; after a rest one caller passes as the trial."""
        with self._lock:
            if self._open_until is None:
                return
            now = self._world.monotonic()
            if now < self._open_until:
                wait = self._open_until - now
                raise CircuitOpen("The CRM does not answer; waiting before asking again.", retry_after=wait)
            self._trying = True
            self._open_until = now + max(self._rest, self._trial)  # the others wait while this one tries

    def succeeded(self) -> bool:
        """Note an answer; True when it ended an outage."""
        with self._lock:
            self.heard_at = self._world.monotonic()
            was_open, self._trying = self._open_until is not None, False
            self._failures, self._rest, self._open_until = 0, FIRST_REST, None
            return was_open

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._trying:
                self._trying = False
                self._rest = min(self._rest * 2, LONGEST_REST)
            elif self._open_until is not None or self._failures < FAILURES_TO_OPEN:
                return  # a call that began before the circuit opened says nothing new
            self._open_until = self._world.monotonic() + self._rest
