"""How fast and whether to ask at all: the pause after a 429, the cap on calls a minute, the circuit breaker."""

import re
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from app.core.world import World
from app.crm.errors import CircuitOpen, Unavailable
from app.crm.moments import Moments

MAX_PAUSE = 3600.0
LONGEST_ASKED = 86400.0
PATIENT = 120.0
"""Seconds by which turns may be given out in advance: a call waits less, and two calls are at most a minute apart."""
SURELY_UNIX = 1e9
_NUMBER = re.compile(r"\s*[0-9]+(\.[0-9]+)?\s*", re.ASCII)
FAILURES_TO_OPEN = 5
FIRST_REST = 5.0
LONGEST_REST = 15.0


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Read a Retry-After header (RFC 9110, 10.2.3): seconds or an HTTP date; nonsense counts as absent.

    Returns seconds from `now`, from 0 to a day.
    """
    if value is None:
        return None
    seconds = _seconds(value)
    if seconds is None:
        seconds = _until_date(value, now)
    return None if seconds is None else min(max(0.0, seconds), LONGEST_ASKED)


def _seconds(value: str | None) -> float | None:
    return float(value) if value is not None and _NUMBER.fullmatch(value) else None


def _until_date(value: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


class Pace:
    """When the next call may be made: one clock for all threads of a client, and for all processes with one file.

    Times are seconds, monotonic.
    """

    def __init__(self, world: World, calls_a_minute: int, path: Path | None = None) -> None:
        self._world = world
        self._gap = 60.0 / calls_a_minute if calls_a_minute > 0 else 0.0
        self._kept = Moments(path, furthest=MAX_PAUSE + PATIENT)

    def take_turn(self, patience: float) -> None:
        """Wait for this call's turn. Raises Unavailable, with retry_after, when that takes longer than `patience`."""
        give_up = self._world.monotonic() + patience
        turn = self._reserve(give_up)
        while True:
            wait = turn - self._world.monotonic()
            if wait > 0:
                self._world.sleep(wait)
            with self._kept.held(self._world.monotonic()) as kept:
                if kept.pause_end <= turn:
                    return
            turn = self._reserve(give_up)  # the CRM asked for a pause while this call waited

    def _reserve(self, give_up: float) -> float:
        now = self._world.monotonic()
        with self._kept.held(now) as kept:
            turn = max(now, kept.next_turn, kept.pause_end)
            if turn > give_up:
                raise Unavailable("The CRM asked us to slow down.", status=429, retry_after=turn - now)
            kept.next_turn = turn + self._gap
        return turn

    def pause(self, seconds: float) -> None:
        """Hold every call of this client for so long."""
        now = self._world.monotonic()
        with self._kept.held(now) as kept:
            kept.pause_end = max(kept.pause_end, now + min(seconds, MAX_PAUSE))

    def paused_for(self) -> float:
        now = self._world.monotonic()
        with self._kept.held(now) as kept:
            return max(0.0, kept.pause_end - now)

    def heard(self, headers: Mapping[str, str]) -> None:
        """Stop before the limit: a CRM that says nothing remains is not asked until its window is over."""
        reset = _seconds(headers.get("RateLimit-Reset"))
        if headers.get("RateLimit-Remaining") == "0" and reset is not None:
            # Some give the moment in Unix seconds where the draft standard has a span.
            self.pause(max(0.0, reset - self._world.now().timestamp()) if reset > SURELY_UNIX else reset)


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
