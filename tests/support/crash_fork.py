"""Processes made by a fork of this one, which costs little: what they say comes back by a pipe, also when they die."""

import gc
import json
import os
import select
import signal
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

Say = Callable[[Any], None]
DEADLINE = 60.0
"""Seconds after which a child that is still at work is taken for one that hangs."""


@dataclass
class Ended:
    """How a child ended: what it said until then, and the signal that killed it or the exception it died of."""

    said: list[Any] = field(default_factory=list)
    signal: int | None = None
    error: str | None = None


class Child:
    """A fork of this process that does `work(say)` and never comes back from it."""

    def __init__(self, work: Callable[[Say], None]) -> None:
        self._reader, writer = os.pipe()
        gc.collect(0)  # what is garbage here must not be tidied up there: it may be a connection
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._reader)
            _live(work, writer)
        os.close(writer)
        self._pipe = os.fdopen(self._reader, "rb", buffering=0)
        self._heard = b""

    def until_it_said(self, count: int, seconds: float = DEADLINE) -> None:
        """Wait until it has said so many things, or for its end."""
        until = time.monotonic() + seconds
        while self._heard.count(b"\n") < count and self._listen(until):
            pass

    def kill(self) -> None:
        """Kill it like a power cut: it has no say in it."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self, seconds: float = DEADLINE) -> Ended:
        """Wait for its end; after `seconds` it is killed, and that is an error."""
        until = time.monotonic() + seconds
        while self._listen(until):
            pass
        in_time = time.monotonic() < until
        if not in_time:
            self.kill()
        self._pipe.close()
        _, status = os.waitpid(self.pid, 0)
        lines = [json.loads(line) for line in self._heard.split(b"\n")[:-1]]  # a line that was cut was not said
        ended = Ended([said for kind, said in lines if kind == "said"])
        ended.error = next((said for kind, said in lines if kind == "error"), None)
        ended.signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        if not in_time:
            ended.error = f"It hung for {seconds} s after it had said {ended.said}."
        return ended

    def _listen(self, until: float) -> bool:
        """Take in what it says next; False when it has ended, or there is no time left."""
        left = until - time.monotonic()
        if left <= 0 or not select.select([self._pipe], [], [], left)[0]:
            return False
        part = self._pipe.read(1 << 16)
        self._heard += part
        return bool(part)


def _live(work: Callable[[Say], None], writer: int) -> None:
    def tell(kind: str, about: Any) -> None:
        # One write: what is in the pipe was said, whatever happens to us next.
        os.write(writer, json.dumps([kind, about]).encode() + b"\n")

    try:
        work(lambda about: tell("said", about))
    except BaseException:  # noqa: BLE001  the parent raises it
        with suppress(OSError):
            tell("error", traceback.format_exc())
    finally:
        os._exit(0)


def forked(work: Callable[[Say], None], seconds: float = DEADLINE) -> Ended:
    """Let a fork of this process do `work`, and return how it ended."""
    return Child(work).wait(seconds)
