"""How fast and whether to ask at all: the pause after a 429, the cap on calls a minute, the circuit breaker."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from app.core.world import World
from app.crm.errors import CircuitOpen, Unavailable

MAX_PAUSE = 3600.0
FAILURES_TO_OPEN = 5
FIRST_REST = 5.0
LONGEST_REST = 15.0


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Read a Retry-After header (RFC 9110, 10.2.3): seconds or an HTTP date; nonsense counts as absent.

    Returns seconds from `now`, at least 0.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        return _until_date(value, now)
    return seconds if 0 <= seconds < float("inf") else None


def _until_date(value: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


class Pace:
    """When the next call may be made: one clock for all threads of a client. Times are seconds, monotonic."""

    def __init__(self, world: World, calls_a_minute: int) -> None:
        self._world = world
        self._gap = 60.0 / calls_a_minute if calls_a_minute > 0 else 0.0
        self._next = 0.0
        self._paused_until = 0.0
        self._lock = threading.Lock()

    def take_turn(self, patience: float) -> None:
        """Wait for this call's turn. Raises Unavailable, with retry_after, when that takes longer than `patience`."""
        with self._lock:
            now = self._world.monotonic()
            turn = max(now, self._next, self._paused_until)
            if turn - now > patience:
                raise Unavailable("The CRM asked us to slow down.", status=429, retry_after=turn - now)
            self._next = turn + self._gap
        if turn > now:
            self._world.sleep(turn - now)

    def pause(self, seconds: float) -> None:
        """Hold every call of this client for so long."""
        with self._lock:
            until = self._world.monotonic() + min(seconds, MAX_PAUSE)
            self._paused_until = max(self._paused_until, until)

    def paused_for(self) -> float:
        return max(0.0, self._paused_until - self._world.monotonic())

    def heard(self, headers: Mapping[str, str]) -> None:
        """Stop before the limit: a CRM that says nothing remains is not asked until its window is over."""
        remaining, reset = headers.get("RateLimit-Remaining"), headers.get("RateLimit-Reset")
        if remaining == "0" and reset is not None and reset.isdigit():
            self.pause(float(reset))


class Breaker:
    """Stops asking a CRM that does not answer, and lets one call through now and then to see whether it is back."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._failures = 0
        self._rest = FIRST_REST
        self._open_until: float | None = None
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
            self._open_until = now + self._rest  # the others wait while this one tries

    def succeeded(self) -> bool:
        """Note an answer; True when it ended an outage."""
        with self._lock:
            was_open = self._open_until is not None
            self._failures, self._rest, self._open_until = 0, FIRST_REST, None
            return was_open

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._open_until is not None:
                self._rest = min(self._rest * 2, LONGEST_REST)
            elif self._failures < FAILURES_TO_OPEN:
                return
            self._open_until = self._world.monotonic() + self._rest
