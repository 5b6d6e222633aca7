"""A clock that the test moves."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Time that stands still until the test moves it; sleeping moves it too."""

    def __init__(self) -> None:
        self.start = datetime.now(UTC).replace(microsecond=0)
        self.passed = 0.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        moment = self.start + timedelta(seconds=self.passed)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def monotonic(self) -> float:
        return 1000.0 + self.passed

    def timestamp(self) -> float:
        self.passed += 0.001  # the CRM's every look at the clock is a little later
        return self.start.timestamp() + self.passed

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds

    def pass_(self, **span: float) -> None:
        self.passed += timedelta(**span).total_seconds()
