"""The stage of one history: the real service over SQLite, in the simulated world, and what can happen to it."""

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import structlog
from flask import Flask

from app.core.db import LOCK, db
from app.core.resource import Resource
from app.crm.line import connect
from app.http.wiring import ENGINE
from app.services import operations, resolutions, runs
from app.simulator.acts import SECRET, Acts
from app.simulator.clock import Clock, SimulatedWorld
from app.simulator.crm import Habits, SimulatedCrm
from app.simulator.history import Setting, Step
from app.simulator.line import Crash, Line
from app.simulator.truth import Truth
from app.sync import parked
from app.sync.engine import Engine
from app.sync.runs import Asked, resume_dead
from app.sync.task import Task

URL = "http://crm.example"
Make = Callable[..., Flask]
MANGLES: dict[str, Callable[[Any], Any]] = {"": lambda text: text, "strip": str.strip, "upper": str.upper}


class Stage:
    """One service and one CRM. Steps change them; a crash throws the process away and starts another."""

    def __init__(self, make: Make, template: Path, folder: Path, seed: int, setting: Setting) -> None:
        self.clock, self.setting, self.truth = Clock(), setting, Truth()
        self._make, self._database = make, folder / "app.db"
        shutil.copy(template, self._database)
        self.world = SimulatedWorld(self.clock, Random(seed + 1))  # noqa: S311
        mangle = MANGLES[setting.mangles]
        self.crm = SimulatedCrm(self.clock, Habits(
            mangle=lambda fields: {k: mangle(v) if isinstance(v, str) else v for k, v in fields.items()},
            keeps_keys=setting.keeps_keys, has_batches=setting.has_batches, has_feed=setting.has_feed,
        ))  # fmt: skip
        self.line = Line(self.crm, boundary=self._boundary)
        self.mail: list[dict[str, Any]] = []
        self.crm.heard = self.mail.append
        self.claimed: list[Task] = []
        self.acts = Acts(self)
        self._left: int | None = None
        self.start()

    # ── the process ──────────────────────────────────────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Start the service anew on the same database."""
        settings = {
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{self._database}", "APP_ENV": "testing", "TESTING": True,
            "CRM_API_URL": URL, "CRM_PACE_FILE": "", "CRM_CALLS_AT_ONCE": 1, "WEBHOOK_SECRETS": [SECRET],
            "WEBHOOK_UNSIGNED": False, "LOG_FILE": "", "LOG_LEVEL": "CRITICAL", "SECRET_KEY": "simulated",
            "CONFLICT_POLICY": self.setting.policy, "SYNC_MODE": "inline" if self.setting.inline else "worker",
            "SYNC_DELETED": self.setting.deletes,
        }  # fmt: skip
        self.app = self._make(settings, world=self.world)
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        self.engine: Engine = replace(self.app.extensions[ENGINE])
        self.app.extensions[ENGINE] = self.engine
        connect(self.engine.crm, self.line.carry)
        self.app.extensions[LOCK] = self._lock
        self.client = self.app.test_client()
        self.resource: Resource = next(iter(self.engine.registry.values()))
        self.claimed = []

    def stop(self) -> None:
        with self.app.app_context():
            db.engine.dispose()

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self._boundary()
        yield
        self._boundary()  # after the commit

    def _boundary(self) -> None:
        if self._left is None:
            return
        self._left -= 1
        if self._left < 0:
            self._left = None
            raise Crash

    def do(self, step: Step) -> None:
        """Play one step, and what its faults and crash make of it."""
        during = {call: self._within(nested) for call, nested in step.during.items()}
        self.line.begin(step.faults, during)
        self._left = step.crash
        try:
            with self.app.app_context():
                self.acts.play(step)
        except Crash:
            self.stop()
            self.start()
        self._left = None

    def _within(self, step: Step) -> Callable[[], None]:
        def happen() -> None:
            left, self._left = self._left, None
            kept = (self.line.faults, self.line.during, self.line.number)
            self.line.begin(step.faults, {})
            self.acts.play(step)
            self.line.faults, self.line.during, self.line.number = kept
            self._left = left

        return happen

    def heal(self) -> None:
        """Nothing goes wrong any more: everything is delivered, tried again, pushed and pulled until nothing moves."""
        self.line.begin({}, {})
        self.clock.skew = 0.0
        with self.app.app_context():
            while self.mail:
                self.acts.play(Step("deliver"))
            for _ in range(40):
                self.clock.passed += 400
                resume_dead(self.engine)
                operations.retry(self.engine, list(self.engine.registry))
                run = runs.run(self.engine, Asked("both", tuple(self.engine.registry), "test"))
                parked.step(self.engine)
                if run["status"] == "needs_approval":
                    resolutions.approve(self.engine, run["id"], "test", yes=True)
                if not self.truth.owes(self.resource):
                    return
