"""Time and chance of a simulated world: both move only when they are told to."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from app.core.world import World

START = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass
class Clock:
    """The service's clock. `skew` is by how much its wall clock is wrong; the monotonic one never is."""

    passed: float = 0.0
    skew: float = 0.0

    def now(self) -> datetime:
        moment = START + timedelta(seconds=self.passed + self.skew)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        return 1000.0 + self.passed

    def sleep(self, seconds: float) -> None:
        self.passed += max(0.0, seconds)

    def true_now(self) -> datetime:
        """Return the CRM's time, which is right, and a little later at each look."""
        self.passed += 0.001
        return START + timedelta(seconds=self.passed)

    def ahead(self, days: int) -> str:
        """Return the time of a clock that is days ahead, in ISO 8601."""
        return (self.now() + timedelta(days=days)).isoformat()


class SimulatedWorld(World):
    """What the service gets in the place of the real world."""

    def __init__(self, clock: Clock, random: Random) -> None:
        super().__init__(now=clock.now, monotonic=clock.monotonic, sleep=clock.sleep, random=random)

    def new_id(self) -> str:
        """Return an id in the form of a UUIDv7, from the seed."""
        milliseconds = int(self.now().timestamp() * 1000) & (2**48 - 1)
        value = milliseconds << 80 | 0x7 << 76 | self.random.getrandbits(12) << 64 | 0b10 << 62
        text = f"{value | self.random.getrandbits(62):032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
