"""What all threads of a client share of its pace, and all processes of a machine when it is kept in a file."""

import fcntl
import os
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from app.crm.quota import MOST_UNDER_WAY, NUMBERS, Quota

_FORM = 1
"""Raised by one when what the numbers mean changes: a file of another form counts as empty."""
_HEAD = struct.Struct("<II")
"""A checksum, and how many numbers follow."""
_LEAST = 3 + NUMBERS
"""When it was written, the two moments, the quota."""
_ROOM = _HEAD.size + 8 * (_LEAST + MOST_UNDER_WAY + 1)
_TRIES = 100
_ALMOST_NOW = 60.0
"""Seconds: another process may have written after this one looked at the clock."""


class Moments:
    """When the next turn is, when the pause ends, and the CRM's quota. In seconds, monotonic: the machine's clock.

    A file that is missing, damaged, of an older form, or left by an earlier start of the machine counts as empty; one
    that cannot be used at all leaves each process with its own.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.next_turn = 0.0
        self.pause_end = 0.0
        self.quota = Quota()

    @contextmanager
    def held(self, now: float) -> Iterator["Moments"]:
        """Hold the moments, as the latest caller in any process left them, to read and to change."""
        with self._lock:
            descriptor = self._open()
            if descriptor is None:
                self.quota.tidy(now)
                yield self
                return
            try:
                known = self._read(descriptor, now)
                self.quota.tidy(now)
                try:
                    yield self
                finally:
                    self._write(descriptor, now, known)
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

    def _read(self, descriptor: int, now: float) -> tuple[float, ...]:
        found = _numbers(descriptor)
        if len(found) < _LEAST or not 0 <= found[0] <= now + _ALMOST_NOW:
            return ()
        # The later ones: the file may have been removed since.
        self.next_turn, self.pause_end = max(self.next_turn, found[1]), max(self.pause_end, found[2])
        self.quota = Quota.of(found[3:])
        return found[1:]

    def _write(self, descriptor: int, now: float, known: tuple[float, ...]) -> None:
        numbers = (self.next_turn, self.pause_end, *self.quota.numbers())
        if numbers == known:
            return
        count = 1 + len(numbers)
        body = struct.pack(f"<{count}d", now, *numbers)
        with suppress(OSError):
            os.pwrite(descriptor, _HEAD.pack(zlib.crc32(body, _FORM), count) + body, 0)


def _numbers(descriptor: int) -> tuple[float, ...]:
    """Return what the file holds; nothing unless it is whole and ours."""
    try:
        content = os.pread(descriptor, _ROOM, 0)
        checksum, count = _HEAD.unpack_from(content)
        body = content[_HEAD.size : _HEAD.size + 8 * count]
        return struct.unpack(f"<{count}d", body) if zlib.crc32(body, _FORM) == checksum else ()
    except (OSError, struct.error):
        return ()
