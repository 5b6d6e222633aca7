"""Playing histories: many seeds, the first violation of each, and the fewest steps that still show it."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from flask_migrate import upgrade
from sqlalchemy.exc import SQLAlchemyError

from app.core.db import db
from app.core.errors import ServiceError
from app.crm import CRMError
from app.simulator.history import History
from app.simulator.stage import Make, Stage
from app.simulator.truth import Violation


@dataclass
class Played:
    """What became of one history; `violation` is None when everything held."""

    history: History
    violation: str | None = None
    faults: dict[str, int] = field(default_factory=dict)
    calls: int = 0
    changes: int = 0
    writes: list[Any] = field(default_factory=list)
    """Every write to the CRM, in order."""


class Theatre:
    """Plays histories one after the other, each on a fresh copy of one migrated database."""

    def __init__(self, make: Make) -> None:
        self._make = make
        self._folder = tempfile.TemporaryDirectory(prefix="crm-sync-simulate-", dir=_fast())
        self._path = Path(self._folder.name)
        self._template = self._path / "template.db"
        app = make({"SQLALCHEMY_DATABASE_URI": f"sqlite:///{self._template}", "APP_ENV": "testing", "LOG_FILE": ""})
        with app.app_context():
            upgrade()
            db.engine.dispose()

    def close(self) -> None:
        self._folder.cleanup()

    def play(self, history: History) -> Played:
        """Play one history to its end, and check what must hold."""
        for old in self._path.glob("app.db*"):
            old.unlink()
        stage = Stage(self._make, self._template, self._path, history.seed, history.setting)
        played = Played(history)
        try:
            self._act(stage, history)
        except Violation as error:
            played.violation = str(error)
        except (CRMError, ServiceError, SQLAlchemyError, AssertionError, LookupError, TypeError, ValueError) as error:
            played.violation = f"{type(error).__name__} escaped: {error}"
        finally:
            stage.stop()
        played.faults, played.calls, played.writes = stage.line.injected, stage.crm.calls, stage.crm.writes
        played.changes = len(stage.crm.writes) + len(stage.truth.acknowledged)
        return played

    @staticmethod
    def _act(stage: Stage, history: History) -> None:
        for step in history.steps:
            with stage.app.app_context():
                stage.truth.look(stage.resource)
            stage.do(step)
        stage.heal()
        with stage.app.app_context():
            stage.truth.check(stage)

    def shrink(self, played: Played) -> Played:
        """Return the shortest history found that still ends in a violation: steps are taken out, then their faults."""
        best, size = played, max(1, len(played.history.steps) // 2)
        while True:
            for shorter in _shorter(best.history, size):
                again = self.play(shorter)
                if again.violation is not None:
                    best = again
                    break
            else:
                if size == 1:
                    return best
                size //= 2


def _shorter(history: History, size: int) -> Iterator[History]:
    for start in range(0, len(history.steps), size):
        yield replace(history, steps=history.steps[:start] + history.steps[start + size :])
    if size > 1:
        return
    for place, step in enumerate(history.steps):
        for plain in (replace(step, faults={}), replace(step, during={}), replace(step, crash=None)):
            if plain != step:
                yield replace(history, steps=[*history.steps[:place], plain, *history.steps[place + 1 :]])


def _fast() -> str | None:
    """Return where a file costs no disk, if there is such a place: durability is not what is tried here."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
