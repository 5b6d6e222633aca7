"""The stage of one history: the real service over SQLite in the simulated world, and what its steps do to it."""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from flask import Flask

from app.core.resource import Registry, Resource
from app.simulator import parents
from app.simulator.acts import Acts
from app.simulator.clock import Clock, SimulatedWorld
from app.simulator.crms import Crms
from app.simulator.history import History, Step
from app.simulator.ledger import Ledger, Letter
from app.simulator.line import MOST_CALLS, Crash, Line
from app.simulator.processes import Processes, StartEngine
from app.simulator.settings import settings_of


class Stage:
    """One service and one CRM. Steps change them; a crash ends the process that acts."""

    def __init__(self, app: Flask, start_engine: StartEngine, registry: Registry, history: History) -> None:
        self.app, self.registry, self.setting = app, registry, history.setting
        self.clock, self.ledger = Clock(), Ledger(registry.values())
        app.config.update(settings_of(history.setting))
        self.crm = Crms(self.clock, history.setting.habits, registry.values())
        watch = partial(parents.watch, self)
        self.line = Line(self.crm, watch=watch, most_calls=MOST_CALLS * len(registry))
        world = SimulatedWorld(self.clock, Random(history.seed + 1))  # noqa: S311
        self.processes = Processes(app, start_engine, world, self.line)
        self.client = app.test_client()
        self.mail: list[Letter] = []
        """Webhooks that the CRM has sent and nobody delivered."""
        self.sent: list[Letter] = []
        """Every webhook it ever sent."""
        self.crm.tell(self._posted)
        self.acts = Acts(self)
        self.depth = 0

    def resource(self, step: Step) -> Resource:
        """Return what a step is about; a history of one resource does not say."""
        return self.registry[step.resource] if step.resource else next(iter(self.registry.values()))

    def _posted(self, body: dict[str, Any]) -> None:
        letter = Letter(f"msg_{len(self.sent) + 1}", body)
        self.sent.append(letter)
        if self.setting.news != "pulls":
            self.mail.append(letter)

    def close(self) -> None:
        self.processes.close()

    def do(self, step: Step) -> None:
        """Play one step, and what its faults and crash make of it."""
        with self.app.app_context():
            self.ledger.look()
            parents.look(self)
            self.line.begin(step.faults, {call: self._within(nested) for call, nested in step.during.items()})
            self.processes.begin(step.storage, step.crash)
            try:
                self.acts.play(step)
            except Crash:
                self.processes.kill(self.acts.actor(step))
                self.line.injected["crash"] += 1
            self.calm()

    def calm(self) -> None:
        """Let nothing go wrong any more."""
        self.line.begin({}, {})
        self.processes.begin({}, None)

    def _within(self, step: Step) -> Callable[[], None]:
        """Return what plays a step in the middle of another one: the work of another process."""

        def happen() -> None:
            line, processes = self.line, self.processes
            kept = (line.faults, line.during, line.number, processes.left, processes.storage)
            line.begin(step.faults, {})
            processes.left, processes.storage, self.depth = None, {}, self.depth + 1
            try:
                self.acts.play(step)
            finally:
                line.faults, line.during, line.number, processes.left, processes.storage = kept
                self.depth -= 1

        return happen
