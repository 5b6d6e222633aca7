"""A CRM with a limit, its ways to count and to speak of it, and those who use it up."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

from app.core.world import World
from app.crm.errors import Unavailable
from app.crm.limits import Pace
from tests.support.virtual_time import START, VirtualTime

Headers = dict[str, str]
LIMIT, WINDOW = 600, 60.0


def ceiling(limit: int, left: int, resets_in: float) -> Headers:
    return _standard(limit, left, max(math.ceil(resets_in), 1))


def floor(limit: int, left: int, resets_in: float) -> Headers:
    return _standard(limit, left, math.floor(resets_in))


def exact(limit: int, left: int, resets_in: float) -> Headers:
    return _standard(limit, left, round(resets_in, 3))


def one_header(limit: int, left: int, resets_in: float) -> Headers:
    return {"RateLimit": f"limit={limit}, remaining={left}, reset={math.ceil(resets_in)}"}


def silence(_limit: int, _left: int, _resets_in: float) -> Headers:
    return {}


def _standard(limit: int, left: int, reset: float) -> Headers:
    return {"RateLimit-Limit": str(limit), "RateLimit-Remaining": str(left), "RateLimit-Reset": str(reset)}


@dataclass
class LimitedCrm:
    """Counts calls in fixed windows; `aligned` ones begin on the minute, others with the first call after the last."""

    time: VirtualTime
    says: Callable[[int, int, float], Headers] = ceiling
    limit: int = LIMIT
    window: float = WINDOW
    aligned: bool = False
    begins: float = -math.inf
    used: list[int] = field(default_factory=list)
    """How many calls were answered in each window."""
    refused: int = 0
    """How many calls of those who hear what it says were too many."""

    def call(self, *, ours: bool = True) -> Headers:
        now = self.time.passed
        if now >= self.begins + self.window:
            self.begins = now - now % self.window if self.aligned else now
            self.used.append(0)
        allowed = self.used[-1] < self.limit
        self.used[-1] += allowed
        self.refused += ours and not allowed
        return self.says(self.limit, self.limit - self.used[-1], self.begins + self.window - now)


def unix(time: VirtualTime, skew: float = 0.0) -> Callable[[int, int, float], Headers]:
    """Return the way of a CRM that gives the moment of the reset, by a clock that is `skew` seconds before ours."""

    def says(limit: int, left: int, resets_in: float) -> Headers:
        now = START.timestamp() + time.passed + skew
        date = formatdate(math.floor(now), usegmt=True)
        headers = _standard(limit, left, math.ceil(now + resets_in))
        return {f"X-{name}": value for name, value in headers.items()} | {"Date": date}

    return says


def lane(
    time: VirtualTime, pace: Pace, crm: LimitedCrm, latency: Callable[[], float], lost: float = 0.0
) -> Callable[[], None]:
    """Return a task: one call after the other for three windows; `lost` is the share of answers that never come."""

    def work() -> None:
        while len(crm.used) <= 3:
            try:
                pace.take_turn(10)
            except Unavailable:
                time.sleep(0.25)
                continue
            time.sleep(latency())
            headers = crm.call()
            time.sleep(latency())
            if time.random.random() >= lost:
                pace.heard(headers)

    return work


def take_all(path: Path) -> int:
    """Take turns without patience until there is none; return how many."""
    pace, taken = Pace(World(), 0, path), 0
    while True:
        try:
            pace.take_turn(0)
        except Unavailable:
            return taken
        taken += 1
