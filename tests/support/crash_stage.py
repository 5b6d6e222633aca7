"""The service in a process that may die: on a database and a CRM that outlive it, with a clock that can be ahead."""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from app import create_app
from app.core.db import db
from app.core.world import World
from app.http.wiring import ENGINE
from app.services import status
from app.services.files import importing
from app.services.runs import run
from app.sync import feed, taking_back
from app.sync.runs import Asked
from app.sync.worker import Worker
from tests.support.clock import Clock
from tests.support.crash_crm import There
from tests.support.crash_fork import Say
from tests.support.settings import SETTINGS, USERS
from tests.support.users import LATER

SMALL = 3
"""Records in a page of a pull, of a rollback and of an import: so that a few records are several pages."""


@dataclass(frozen=True)
class Place:
    """What outlives a process: the database, the CRM, and a folder."""

    database_url: str
    crm_url: str
    folder: Path


class Stage:
    """The service in this process. It is made and warmed up once; each of its lives begins in a fork, with `begin`.

    What it keeps and what it has acknowledged is said to whoever watches it die.
    """

    def __init__(self, place: Place, settings: dict[str, Any]) -> None:
        feed.PAGE = taking_back.AT_ONCE = importing.CHUNK = SMALL
        self.place, self.clock = place, Clock()
        world = World(self.clock.now, self.clock.monotonic, self.clock.sleep, random.Random(7))
        there = {"SQLALCHEMY_DATABASE_URI": place.database_url, "CRM_API_URL": place.crm_url}
        self.app = create_app(SETTINGS | {"LOG_LEVEL": "CRITICAL"} | there | settings, world=world, registry=USERS)
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        self.engine = self.app.extensions[ENGINE]
        self.client = self.app.test_client()
        self.crm = There(place.crm_url)

    def begin(self, say: Say, minutes_ahead: float = 0, kept: dict[str, Any] | None = None) -> None:
        """Live from now on, some minutes ahead of the clock on the wall."""
        self.say, self.kept = say, dict(kept or {})
        self.clock.start, self.clock.passed = datetime.now(UTC).replace(microsecond=0), minutes_ahead * 60
        self.worker = Worker(self.app, self.engine)
        self.engine.crm._no_batches_until = 0.0

    def close(self) -> None:
        """Leave nothing open: a fork must not share it."""
        with self.app.app_context():
            db.engine.dispose()
        self.engine.crm.session.close()

    def step(self, name: str, do: Callable[[], Any]) -> Any:
        """Ask for something whose answer counts; who got one before the crash does not ask again."""
        if name not in self.kept:
            self.keep(**{name: do()})
        return self.kept[name]

    # ── what callers do ──────────────────────────────────────────────────────────────────────────────────────────

    def post(self, name: str, **headers: str) -> dict[str, Any]:
        """Create a user; the key is that of the name, so that saying it again is the same request."""
        body = {"name": name, "email": f"{name.lower()}@example.com", "phone": "111-111-1111"}
        answer = self.client.post("/users", json=body, headers={"Idempotency-Key": name, **headers})
        assert answer.status_code == 201, answer.text
        self.acknowledged(answer.json["id"], **body)
        return answer.json

    def users(self, *names: str) -> list[dict[str, Any]]:
        """Make users who are in step with the CRM."""
        made = [self.post(name) for name in names]
        assert {one["sync_status"] for one in made} <= {"synced"}
        return made

    def patch(self, user: dict[str, Any], later: bool = True, **fields: Any) -> None:
        answer = self.client.patch(f"/users/{user['id']}", json=fields, headers=LATER if later else {})
        assert answer.status_code == 200, answer.text
        self.acknowledged(user["id"], **fields)

    def delete(self, user: dict[str, Any], later: bool = True, missing: bool = False) -> None:
        """Delete a user; one who is gone already is only fine for a caller who says it again."""
        answer = self.client.delete(f"/users/{user['id']}", headers=LATER if later else {})
        assert answer.status_code in ({204, 404} if missing else {204}), answer.text
        self.acknowledged(user["id"], deleted=True)

    def acknowledged(self, record_id: str, **fields: Any) -> None:
        self.say(["acknowledged", record_id, fields])

    def deliver(self, name: str) -> None:
        """Post a webhook that was kept; one that was taken before must be known by now."""
        answer = self.client.post("/webhook", json=self.kept[name])
        assert answer.status_code in {200, 202}, answer.text
        if f"{name} taken" in self.kept:
            assert answer.json["outcome"] == "duplicate", answer.text
        self.keep(**{f"{name} taken": True})

    def keep(self, **more: Any) -> None:
        """Remember something beyond the end of this process."""
        self.kept |= more
        self.say(["kept", more])

    # ── what the service does by itself ──────────────────────────────────────────────────────────────────────────

    def do(self, direction: str) -> dict[str, Any]:
        done = run(self.engine, Asked(direction, ("users",), "test"))
        assert done["status"] == "succeeded", done
        return done

    def push(self) -> None:
        while self.worker.push_step():
            pass

    def recover(self, *, pull_first: bool = True) -> None:
        """Do what a worker does that was started again, until it is idle; all leases of the dead have lapsed.

        What it owes is due before the next pull, unless that one was nearly due: so both come first now and then.
        """
        if not pull_first:
            self.push()
        for _ in range(6):
            self.clock.pass_(minutes=16)
            self.worker.pull_step()
            self.push()
            self.worker.parked_step()
            if not any(one["owed"] + one["parked"] for one in status.status(self.engine)["resources"].values()):
                break
        self.clock.pass_(minutes=16)
        self.worker.pull_step()
        self.push()
