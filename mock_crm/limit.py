"""Counts calls against a limit a minute."""

import math
import threading
from collections.abc import Callable

_WINDOW = 60


class Limit:
    """A window of a minute opens with the first call after the last one closed."""

    def __init__(self, calls: int, clock: Callable[[], float]) -> None:
        self._calls = calls
        self._clock = clock
        self._lock = threading.Lock()
        self._ends = 0.0
        self._left = calls

    def spend(self) -> tuple[bool, dict[str, str]]:
        """Whether one more call is allowed, and the headers that tell how many are left and until when."""
        if not self._calls:
            return True, {}
        with self._lock:
            now = self._clock()
            if not now < self._ends <= now + _WINDOW:
                self._ends, self._left = now + _WINDOW, self._calls
            allowed = self._left > 0
            self._left = max(self._left - 1, 0)
            reset = str(max(math.ceil(self._ends - now), 1))
            headers = {
                "RateLimit-Limit": str(self._calls),
                "RateLimit-Remaining": str(self._left),
                "RateLimit-Reset": reset,
            }
        return allowed, headers if allowed else {**headers, "Retry-After": reset}
