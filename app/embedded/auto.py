"""The sync in the background of another program: a thread that runs on schedule and pushes what falls due."""

import threading
from collections.abc import Callable
from typing import Any

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from app.core.errors import ServiceError
from app.services import runs
from app.sync import bulk, schedule
from app.sync.engine import Engine
from app.sync.runs import Asked

log = structlog.get_logger(__name__)
IDLE = 1.0
"""Seconds between two looks at what is due."""


class Auto:
    """Does runs, as they are asked, at every interval of the engine, until it is stopped."""

    def __init__(self, app: Flask, engine: Engine, asked: Asked, run: Callable[[Asked], dict[str, Any]]) -> None:
        self._app = app
        self._engine = engine
        self._asked = asked
        self._run = run
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._run_at = 0.0
        self._failures = 0

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the thread, unless there is one already; the first run is due at once."""
        if self.is_running:
            return
        self._stopping.clear()
        self._run_at = self._engine.world.monotonic()
        # A program that ends without a stop must not hang: what is cut off is gone on with by the next run.
        self._thread = threading.Thread(target=self._loop, name="crm-sync", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Wait for what is under way, and end the thread."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._thread = None

    def _loop(self) -> None:
        log.info("auto_sync_started", resources=self._asked.resources, direction=self._asked.direction)
        while True:
            try:
                with self._app.app_context():
                    self.step()
            except (SQLAlchemyError, ServiceError) as error:
                log.warning("auto_sync_step_failed", error=type(error).__name__)  # the database may be back later
            if self._stopping.wait(IDLE):
                break
        log.info("auto_sync_stopped")

    def step(self) -> None:
        """Do a run if one is due, else push what is due."""
        if runs.schedule()["paused"] or self._engine.crm.breaker.opens_in() > 0:
            return
        if self._engine.world.monotonic() >= self._run_at:
            self._run_now()
        elif self._asked.direction != "pull":
            for _ in bulk.push_all(self._engine, self._asked.resources):
                pass

    def _run_now(self) -> None:
        done = self._run(self._asked)
        self._failures = self._failures + 1 if done["status"] == "failed" else 0
        wait = self._engine.interval
        if self._failures:  # sooner than at the next interval, but not at once
            wait = min(wait, schedule.pause(self._failures, self._engine.world.random))
        self._run_at = self._engine.world.monotonic() + wait.total_seconds()
