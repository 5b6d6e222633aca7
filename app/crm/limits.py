"""How fast to ask the CRM: its own quota to the last call, the pause after a 429, the cap on calls a minute."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.core.world import World
from app.crm.breaker import Breaker
from app.crm.errors import NotAsked
from app.crm.moments import Moments
from app.crm.notices import News, parse_retry_after, read_news

__all__ = ["MAX_PAUSE", "Breaker", "Pace", "Room", "parse_retry_after"]

MAX_PAUSE = 3600.0
MINUTE = 61.0
"""Seconds over which the calls of a minute are spread: one that was fast must not catch up with one that was slow."""
SPREAD = 0.05
"""Seconds between two calls that waited for the same moment."""


@dataclass(frozen=True)
class Room:
    """What the CRM's limit leaves us: calls in a window, calls left in this one, seconds to the next; None: not known.

    `left` are those that are surely left: a call under way counts as made.
    """

    limit: int | None
    left: int | None
    resets_in: float | None


class _Mine(threading.local):
    turn: float | None = None


class Pace:
    """When the next call may be made: one clock for all threads of a client, and for all processes with one file.

    A thread takes a turn, makes its call and hands in the headers of the answer; a turn after which it hands in none
    counts as a call that was lost. Times are seconds, monotonic.
    """

    def __init__(self, world: World, calls_a_minute: int, path: Path | None = None) -> None:
        """`calls_a_minute` is a cap on top of what the CRM says, kept by gaps; 0: none.

        Gaps, not bursts: they are right for windows that begin anywhere, for sliding ones and for buckets.
        """
        self._world = world
        self._gap = MINUTE / calls_a_minute if calls_a_minute > 0 else 0.0
        self._kept = Moments(path)
        self._mine = _Mine()

    def take_turn(self, patience: float) -> None:
        """Wait for this call's turn. Raises NotAsked, with retry_after, when that takes longer than `patience`."""
        self._ended(None)
        now = self._world.monotonic()
        give_up = now + patience
        turn = self._look(now, give_up)
        while turn > now:
            self._world.sleep(turn - now)
            now = max(turn, self._world.monotonic())
            turn = self._look(now, give_up, has_waited=True)
        self._mine.turn = turn

    def _look(self, now: float, give_up: float, *, has_waited: bool = False) -> float:
        """Return the turn: `now` if it has come, else when to look again, which is a place in the queue."""
        with self._kept.held(now) as kept:
            gate = max(now, kept.pause_end, kept.quota.opens(now))
            in_line = self._gap > 0 and not has_waited
            turn = max(gate, kept.next_turn) if in_line or gate > now else now
            if turn > give_up:
                raise NotAsked("The CRM asked us to slow down.", status=429, retry_after=turn - now)
            if in_line or gate > now:
                kept.next_turn = turn + (self._gap or SPREAD)
            if turn <= now:
                kept.quota.spend(now)
        return turn

    def pause(self, seconds: float) -> None:
        """Hold every call of this client for so long."""
        now = self._world.monotonic()
        with self._kept.held(now) as kept:
            kept.pause_end = max(kept.pause_end, now + min(seconds, MAX_PAUSE))

    def paused_for(self) -> float:
        """Return the seconds until the CRM takes a call again: after a pause, or when its limit is spent."""
        now = self._world.monotonic()
        with self._kept.held(now) as kept:
            return max(now, kept.pause_end, kept.quota.opens(now)) - now

    def heard(self, headers: Mapping[str, str]) -> None:
        """Note the answer to this thread's call, and what it says of the CRM's limit."""
        self._ended(read_news(headers, self._world.now()))

    def room(self) -> Room:
        """Return what is known of the CRM's limit now."""
        now = self._world.monotonic()
        with self._kept.held(now) as kept:
            quota = kept.quota
            return Room(quota.limit, quota.left(now), quota.resets_in(now))

    def _ended(self, news: News | None) -> None:
        turn, self._mine.turn = self._mine.turn, None
        if turn is None and news is None:
            return
        now = self._world.monotonic()
        with self._kept.held(now) as kept:
            kept.quota.answered(turn, now, news)
