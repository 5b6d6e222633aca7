"""Two moments that all threads of a client share, and all processes of a machine when they are kept in a file."""

import fcntl
import os
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_FORM = struct.Struct("<dd")
_TRIES = 20


class Moments:
    """When the next turn is and when the pause ends, in seconds, monotonic: that clock is the machine's, not ours.

    A file that is missing, damaged, or left by an earlier start of the machine counts as empty; one that cannot be
    used at all leaves each process with its own moments.
    """

    def __init__(self, path: Path | None, furthest: float) -> None:
        """`furthest` is how many seconds ahead a moment can be; one further ahead is not ours."""
        self._path = path
        self._furthest = furthest
        self._lock = threading.Lock()
        self.next_turn = 0.0
        self.pause_end = 0.0

    @contextmanager
    def held(self, now: float) -> Iterator["Moments"]:
        """Hold the moments, as the latest caller in any process left them, to read and to change."""
        with self._lock:
            descriptor = self._open()
            if descriptor is None:
                yield self
                return
            try:
                known = self._read(descriptor, now)
                yield self
                if known != (self.next_turn, self.pause_end):
                    with suppress(OSError):
                        os.pwrite(descriptor, _FORM.pack(self.next_turn, self.pause_end), 0)
            finally:
                os.close(descriptor)  # gives the lock back, as does the end of the process

    def _open(self) -> int | None:
        if self._path is None:
            return None
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return None
        for _ in range(_TRIES):  # held for microseconds; should its holder be stopped, a lost turn is better than ours
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                time.sleep(0.001)
            else:
                break
        return descriptor

    def _read(self, descriptor: int, now: float) -> tuple[float, float]:
        try:
            found = _FORM.unpack(os.pread(descriptor, _FORM.size, 0))
        except (OSError, struct.error):
            found = (0.0, 0.0)
        turn, pause = (moment if 0 <= moment <= now + self._furthest else 0.0 for moment in found)
        # The later one: the file may have been removed since.
        self.next_turn, self.pause_end = max(self.next_turn, turn), max(self.pause_end, pause)
        return found
