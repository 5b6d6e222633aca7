"""The loop behind the service: pushes what is owed, pulls on schedule, settles what is parked, tidies up."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from flask import Flask
from sqlalchemy.exc import DBAPIError

from app.core.db import reading, transact
from app.core.errors import NotNow
from app.crm import CRMError
from app.store import answers, inbox, outbox, runs, settings
from app.sync import bulk, ending, parked, schedule, task
from app.sync.engine import Engine
from app.sync.part import lease_of
from app.sync.runs import Asked, resume_dead
from app.sync.runs import run as sync_run

log = structlog.get_logger(__name__)
IDLE = 0.25
"""Seconds between two looks at what there is to do, when there was nothing."""
EAGER = 0.02
"""The same for the outbox: a look costs one short query, and an edit waits 10 ms for it on average."""
SLEEPY = 1.0
"""The same for the pushers that only help out when there is more than one can do."""
DELIVERIES_KEPT = timedelta(days=8)
ANSWERS_KEPT = timedelta(hours=24)
TIDY_EVERY = timedelta(hours=1)
SUBSCRIBE_AGAIN = 5.0
SET_BACK = 60.0
"""Seconds that the clock on the wall has to lose on the one that only counts, to have been set back."""


class Worker:
    """Runs the steps in threads of their own until it is stopped; each step can also be called by itself."""

    def __init__(self, app: Flask, engine: Engine) -> None:
        self._app = app
        self._engine = engine
        self._stopping = threading.Event()
        self._tidied: datetime | None = None
        self._failed_pulls = 0
        self._pull_again_at: datetime | None = None
        self._ahead: float | None = None

    def run(self) -> None:
        """Work until `stop` is called, then finish what is under way."""
        steps = (self.push_step, self.pull_step, self.parked_step, self.probe_step, self.tidy_step, self.clock_step)
        loops = [(step, EAGER if step == self.push_step else IDLE) for step in steps]
        loops += [(self._also_push(number), SLEEPY) for number in range(1, self._engine.lanes.most)]
        threads = [threading.Thread(target=self._loop, args=loop, name=loop[0].__name__) for loop in loops]
        threads.append(threading.Thread(target=self._subscribe, name="subscribe"))
        for thread in threads:
            thread.start()
        log.info("worker_started", threads=len(threads))
        for thread in threads:
            thread.join()
        log.info("worker_stopped")

    def stop(self) -> None:
        self._stopping.set()

    def _also_push(self, number: int) -> Callable[[], bool]:
        def push_step() -> bool:
            return number < self._engine.lanes.allowed() and self.push_step()

        return push_step

    def _loop(self, step: Callable[[], bool], idle: float) -> None:
        while not self._stopping.is_set():
            busy = False
            try:
                with self._app.app_context():
                    busy = step()
            except Exception:
                # The one place that must outlive anything: a bug in one step may not stop the others.
                log.exception("worker_step_failed", step=step.__name__)
                self._stopping.wait(1.0)
            if not busy:
                self._stopping.wait(idle)

    def push_step(self) -> bool:
        """Push what is due with one call; False when there was nothing, or the CRM is not worth asking now."""
        engine = self._engine
        if engine.crm.breaker.opens_in() > 0 or engine.crm.pace.paused_for() > 0:
            return False
        tasks = task.due(engine, engine.batch_size if engine.crm.batches else 1)
        for unit in bulk.units(engine, tasks):
            bulk.push_unit(engine, unit)
        return bool(tasks)

    def pull_step(self) -> bool:
        """Go on with runs that were cut off, and pull each resource whose interval is over."""
        engine = self._engine
        if _is_paused() or engine.crm.breaker.opens_in() > 0:
            return False
        resume_dead(engine)
        now = engine.world.now()
        due = [name for name in engine.registry if _is_due(name, now, engine.interval)]
        if not due:
            return False
        if self._pull_again_at is not None and now < self._pull_again_at:
            return False
        done = sync_run(engine, Asked("pull", tuple(due), "schedule"))
        self._failed_pulls = self._failed_pulls + 1 if done["status"] == "failed" else 0
        self._pull_again_at = (
            now + schedule.pause(self._failed_pulls, engine.world.random) if self._failed_pulls else None
        )
        return False

    def probe_step(self) -> bool:
        """Ask a CRM that did not answer whether it is back, so that nobody's edit has to be the test."""
        engine = self._engine
        if engine.crm.breaker.state == "half_open":
            with suppress(CRMError):
                engine.crm.ping(next(iter(engine.registry.values())).crm_path)
        return False

    def parked_step(self) -> bool:
        if self._engine.crm.breaker.opens_in() > 0:
            return False
        return parked.step(self._engine) > 0

    def tidy_step(self) -> bool:
        """Forget deliveries and answers that nobody asks about any more."""
        now = self._engine.world.now()
        if self._tidied is not None and now - self._tidied < TIDY_EVERY:
            return False
        self._tidied = now
        gone = transact(
            lambda tx: inbox.forget_before(tx, now - DELIVERIES_KEPT) + answers.forget_before(tx, now - ANSWERS_KEPT)
        )
        log.info("tidied", rows=gone)
        return False

    def clock_step(self) -> bool:
        """Try now what waits when the clock was set back: by the new time it would wait that much longer."""
        world = self._engine.world
        now = world.now()
        ahead = now.timestamp() - world.monotonic()
        if self._ahead is not None and self._ahead - ahead > SET_BACK:
            woken = transact(lambda tx: outbox.hasten(tx, now))
            log.warning("clock_set_back", seconds=round(self._ahead - ahead), records=woken)
        self._ahead = ahead
        return False

    def _subscribe(self) -> None:
        engine = self._engine
        if engine.webhook_url is None or engine.webhook_secret is None:
            return
        while not self._stopping.is_set():
            try:
                with self._app.app_context():
                    engine.crm.subscribe(engine.webhook_url, engine.webhook_secret)
            except CRMError as error:
                log.warning("not_subscribed_yet", status=error.status, error=type(error).__name__)
                self._stopping.wait(SUBSCRIBE_AGAIN)
            else:
                log.info("subscribed", url=engine.webhook_url)
                return


def hasten(engine: Engine) -> None:
    """Try now what waited for the CRM: it has just answered again."""
    now = engine.world.now()
    try:
        woken = transact(lambda tx: sum(outbox.hasten(tx, now, why) for why in (ending.UNAVAILABLE, ending.UNKNOWN)))
    except (DBAPIError, NotNow):
        # We are inside the call that brought the good news: its answer matters more than being early.
        log.warning("outbox_not_hastened")
    else:
        log.info("outbox_hastened", records=woken)


def _is_paused() -> bool:
    with reading() as connection:
        return settings.get(connection, settings.PAUSED) is not None


def _is_due(name: str, now: datetime, interval: timedelta) -> bool:
    """Tell whether it is time to pull a resource, and nobody is at it already."""
    with reading() as connection:
        _, pulled_at = runs.cursor(connection, name)
        is_over = pulled_at is None or _is_over(pulled_at, now, interval)
        return is_over and not runs.is_leased(connection, lease_of(name), now)


def _is_over(pulled_at: datetime, now: datetime, interval: timedelta) -> bool:
    """Tell whether a pull is due; a clock that was set back must not stop the pulls."""
    return not timedelta(0) <= now - pulled_at < interval
