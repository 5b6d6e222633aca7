"""One line on the terminal that says how far a command is, and goes away when it is done."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import click

from app.commands import options as cli_options
from app.core.world import World
from app.sync.counts import Counts
from app.sync.part import Part

EVERY = 0.1
"""Seconds between two looks of a person at most."""
SAID = ("pulled", "pushed", "failed", "conflicts")


class Line:
    """Counts as a run goes on, and its speed."""

    def __init__(self, world: World, *, shown: bool) -> None:
        self._world = world
        self._shown = shown
        self._began = world.monotonic()
        self._next = self._began
        self._parts: dict[str, Counts] = {}
        self._width = 0

    def watch(self, part: Part) -> None:
        """Take in how far a part of a run is."""
        self._parts[part.resource.name] = part.counts
        total = Counts()
        for counts in self._parts.values():
            total.add(counts)
        done = total.seen + total.pushed
        minutes = max(self._world.monotonic() - self._began, 1e-3) / 60
        said = ", ".join(f"{getattr(total, name)} {name}" for name in SAID)
        self.say(f"{part.resource.name}: {done} done, {done / minutes:.0f} records a minute; {said}")

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


@contextmanager
def progress(world: World) -> Iterator[Line]:
    """Show a line while something is at work, if somebody looks."""
    line = Line(world, shown=cli_options.on_terminal())
    try:
        yield line
    finally:
        line.clear()
