"""Playing histories: each on a fresh copy of one migrated database, in one application."""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import structlog
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy.exc import SQLAlchemyError

from app.core.db import db
from app.core.errors import ServiceError
from app.core.resource import Registry, registry_of
from app.crm import CRMError
from app.simulator import invariants, rest
from app.simulator.crm import Write
from app.simulator.history import History, Step
from app.simulator.invariants import Violation
from app.simulator.line import Endless
from app.simulator.processes import StartEngine
from app.simulator.settings import ALWAYS
from app.simulator.stage import Stage


@dataclass(frozen=True)
class Factory:
    """How an application is made, how it is given an engine that remembers nothing, and of which resources."""

    create: Callable[..., Flask]
    start_engine: StartEngine
    registry: Registry

    def played(self, names: Collection[str]) -> Registry:
        """Return some resources and whatever they refer to; of no names, the first one."""
        wanted = set(names or list(self.registry)[:1])
        for one in reversed(list(self.registry.values())):  # parents come before those that refer to them
            wanted |= one.parents if one.name in wanted else set()
        return registry_of(*(one.model for name, one in self.registry.items() if name in wanted))


@dataclass
class Played:
    """What became of one history; `violation` is None when everything held, `invariant` the name of what did not."""

    history: History
    violation: str | None = None
    invariant: str | None = None
    broken: tuple[str, ...] = ()
    """All that did not hold, where the history came to its end."""
    faults: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    changes: int = 0
    writes: list[Write] = field(default_factory=list)
    """Every write to the CRM, in order."""
    digest: str = ""
    """SHA-256 of every call to the CRM, its answer and its time: two histories with the same one are the same."""


class Theatre:
    """Plays histories one after the other, of the resources that are named, or of the first one."""

    def __init__(self, factory: Factory, names: Collection[str] = ()) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="crm-sync-simulate-", dir=_fast())
        self._database = Path(self._folder.name) / "app.db"
        self._template = Path(self._folder.name) / "template.db"
        self._start_engine = factory.start_engine
        log_settings = structlog.get_config()
        self.registry = factory.played(names)
        settings = {**ALWAYS, "SQLALCHEMY_DATABASE_URI": f"sqlite:///{self._database}"}
        self.app = factory.create(settings, registry=self.registry)
        with self.app.app_context():
            upgrade()
            db.engine.dispose()
        shutil.copy(self._database, self._template)
        self._log_settings = log_settings

    def close(self) -> None:
        structlog.configure(**self._log_settings)
        self._folder.cleanup()

    def play(self, history: History) -> Played:
        """Play one history to its end, and check what must hold."""
        for old in self._database.parent.glob("app.db*"):
            old.unlink()
        shutil.copy(self._template, self._database)
        names = history.resources or tuple(self.registry)[:1]
        registry = {name: one for name, one in self.registry.items() if name in names}
        stage = Stage(self.app, partial(self._start_engine, registry=registry), registry, history)
        played = Played(history)
        try:
            self._act(stage, history)
        except Violation as error:
            played.violation, played.invariant, played.broken = str(error), error.invariant, error.broken
        except (CRMError, ServiceError, SQLAlchemyError, AssertionError, LookupError, TypeError, ValueError) as error:
            played.violation, played.invariant = f"escaped: {type(error).__name__}: {error}", "escaped"
        except Endless:
            played.violation, played.invariant = "calls: they do not end", "calls"
        finally:
            stage.close()
        played.faults, played.calls, played.writes = stage.line.injected, stage.line.calls, stage.crm.writes
        played.digest = stage.line.digest.hexdigest()
        played.changes = stage.ledger.changes + stage.crm.edits
        return played

    @staticmethod
    def _act(stage: Stage, history: History) -> None:
        for number in range(history.setting.many):
            stage.do(Step("create_there", value=1000 + number))
        for step in history.steps:
            stage.do(step)
        rest.come(stage)
        with stage.app.app_context():
            stage.ledger.look()
            invariants.check(stage)


def _fast() -> str | None:
    """Return where a file costs no disk, if there is such a place: durability is not what is tried here."""
    return "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
