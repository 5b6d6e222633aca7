"""The one seam through which time, randomness and sleeping come in, so that a test or a simulator can own them."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random, SystemRandom

from uuid_utils.compat import uuid7


def utc_now() -> datetime:
    """Return the time in UTC, cut to whole milliseconds: what we store is what we show."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


@dataclass(frozen=True)
class World:
    """What the program cannot compute by itself. Times are UTC, spans are seconds."""

    now: Callable[[], datetime] = utc_now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    random: Random = field(default_factory=SystemRandom)

    def new_id(self) -> str:
        """Return a UUIDv7 (RFC 9562): sorted by time of creation, so that indexes grow at one end."""
        return str(uuid7())
