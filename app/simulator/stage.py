"""The stage of one history: the real service over SQLite in the simulated world, and what its steps do to it."""

from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

from flask import Flask

from app.core.resource import Resource
from app.http.wiring import ENGINE
from app.simulator.acts import Acts
from app.simulator.clock import Clock, SimulatedWorld
from app.simulator.crm import SimulatedCrm
from app.simulator.history import FIELD_DROPPED, History, Setting, Step
from app.simulator.ledger import Ledger, Letter
from app.simulator.line import Crash, Line
from app.simulator.processes import Processes, StartEngine
from app.simulator.settings import settings_of


class Stage:
    """One service and one CRM. Steps change them; a crash ends the process that acts."""

    def __init__(self, app: Flask, start_engine: StartEngine, history: History) -> None:
        self.app, self.setting = app, history.setting
        self.clock, self.ledger = Clock(), Ledger()
        app.config.update(settings_of(history.setting))
        self.resource: Resource = next(iter(app.extensions[ENGINE].registry.values()))
        self.crm = SimulatedCrm(self.clock, _habits(history.setting, self.resource))
        self.line = Line(self.crm)
        world = SimulatedWorld(self.clock, Random(history.seed + 1))  # noqa: S311
        self.processes = Processes(app, start_engine, world, self.line)
        self.client = app.test_client()
        self.mail: list[Letter] = []
        """Webhooks that the CRM has sent and nobody delivered."""
        self.sent: list[Letter] = []
        """Every webhook it ever sent."""
        self.crm.heard = self._posted
        self.acts = Acts(self)
        self.depth = 0

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
            self.ledger.look(self.resource)
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


def _habits(setting: Setting, resource: Resource) -> Any:
    if setting.habits.drops != FIELD_DROPPED:
        return setting.habits
    plain = [name for name in resource.pushed_fields if not resource.fields[name].unique]
    return replace(setting.habits, drops=resource.fields[plain[-1]].crm or plain[-1])
