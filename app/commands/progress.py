"""One line on the terminal that says how far a command is, and goes away when it is done."""

import shutil
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

import click

from app.commands import options as cli_options
from app.core.world import World
from app.crm import CRMError
from app.sync.counts import Counts
from app.sync.part import Part

EVERY = 0.1
"""Seconds between two looks of a person at most."""
RECENT, SOON, LEAST = 30.0, 3.0, 2
"""Seconds by which the time left is estimated: the last so many, but not before there are so many; and marks kept."""
MINUTE, HOUR = 60, 3600
SAID = ("pulled", "pushed", "failed", "conflicts")


class Line:
    """Counts as a run goes on, and its speed."""

    def __init__(self, world: World, *, shown: bool) -> None:
        self._world = world
        self._shown = shown
        self._began = world.monotonic()
        self._next = self._began
        self._parts: dict[str, Part] = {}
        self._recent: deque[tuple[float, int]] = deque()
        self._asked: set[str] = set()
        self._width = 0

    def watch(self, part: Part) -> None:
        """Take in how far a part of a run is."""
        self._parts[part.resource.name] = part
        total = Counts()
        for one in self._parts.values():
            total.add(one.counts)
        done = sum(one.done_so_far for one in self._parts.values())
        minutes = max(self._world.monotonic() - self._began, 1e-3) / 60
        said = ", ".join(f"{getattr(total, name)} {name}" for name in SAID)
        left = self._left(part, done)
        self.say(f"{part.resource.name}: {done} done, {done / minutes:.0f} records a minute{left}; {said}")

    def _left(self, part: Part, done: int) -> str:
        """Estimate the time left by the speed of the last while: a CRM's limit shows in it, a quick start does not."""
        now = self._world.monotonic()
        self._recent.append((now, done))
        while len(self._recent) > LEAST and self._recent[0][0] < now - RECENT:
            self._recent.popleft()
        since, before = self._recent[0]
        if part.reads_all and self._shown and part.resource.name not in self._asked:
            self._asked.add(part.resource.name)
            part.expected = _total(part)
        if part.expected is None or now - since < SOON or done <= before:
            return ""
        left = max(0, part.expected - part.done_so_far)
        return f", {_span(left * (now - since) / (done - before))} left of {part.resource.name}"

    def say(self, text: str) -> None:
        now = self._world.monotonic()
        if self._shown and now >= self._next:
            self._next = now + EVERY
            self._write(text)

    def clear(self) -> None:
        if self._width:
            self._write("")

    def _write(self, text: str) -> None:
        """Write over what stands there, and go back to its beginning: lines of the log come over it, not behind it."""
        text = text[: shutil.get_terminal_size().columns - 1]
        click.echo(f"{text:<{self._width}}\r", nl=False, err=True)
        self._width = len(text)


def _total(part: Part) -> int | None:
    """Ask the CRM how many records there are, since somebody waits for them; it may not say."""
    try:
        return part.engine.crm.count(part.resource.crm_path)
    except CRMError:
        return None


def _span(seconds: float) -> str:
    """Say a time as roughly as it is known."""
    if seconds < MINUTE:
        return f"about {max(1, round(seconds))} s"
    if seconds < HOUR:
        return f"about {round(seconds / MINUTE)} min"
    return f"about {seconds / HOUR:.1f} h"


@contextmanager
def progress(world: World) -> Iterator[Line]:
    """Show a line while something is at work, if somebody looks."""
    line = Line(world, shown=cli_options.on_terminal())
    try:
        yield line
    finally:
        line.clear()
