"""CRMSync: the whole sync as one object, with the engine, the rules and the runs of the service."""

import logging
from dataclasses import replace
from types import TracebackType
from typing import Any, Self

from flask import Flask

from app.core.db import db
from app.core.world import World
from app.crm import CRMClient, CRMConfig
from app.crm.config import ENVIRONMENT
from app.embedded import views
from app.embedded.address import Database, address_of
from app.embedded.auto import Auto
from app.embedded.config import SyncConfig
from app.embedded.views import Conflict
from app.http.wiring import ENGINE
from app.services import operations, rollbacks, runs
from app.sync.engine import Engine
from app.sync.runs import Asked
from app.wiring import create_app

BY = "program"


class CRMSync:
    """Keeps the records of a migrated database and a CRM in step, inside another program. All methods are synchronous.

    `session` says which database: a SQLAlchemy session, an engine, or its address. Only the address is taken from it.
    The sync has connections of its own: it sees what is committed, and what it does is seen by new transactions.

    Raises ValueError for a wrong setting, for a database in memory, and for one that is not migrated.
    """

    def __init__(
        self, config: CRMConfig, sync: SyncConfig, session: Database, *, world: World | None = None
    ) -> None:  # fmt: skip
        self.config = replace(config, max_retries=sync.max_retries)
        self.sync = sync
        self._app: Flask = create_app(_settings(self.config, sync, address_of(session)), world=world)
        self._engine: Engine = self._app.extensions[ENGINE]
        self.entities = sync.entities(self._engine.registry)
        self._auto = Auto(self._app, self._engine, self._asked("schedule"), self._run)
        with self._app.app_context():
            if not operations.is_migrated(self._app.config["SCHEMA_VERSION"]):
                db.engine.dispose()
                raise ValueError("The database is not at the newest version: run `flask db upgrade` on it.")

    @property
    def crm(self) -> CRMClient:
        """The client that the sync calls the CRM with."""
        return self._engine.crm

    def manual_sync(self) -> dict[str, Any]:
        """Do one run now and return it: its id, status and counts, in all and for each entity.

        A CRM that cannot be reached makes the run `failed`, never an exception. Nothing is lost by that: each page was
        stored as a whole, and the next run goes on from there. With `enable_rollback` such a run is taken back instead:
        every record that it changed and that has not moved since becomes what it was before, here and in the CRM, what
        it created there is deleted, and what it brought from there goes away here and is not brought again. The answer
        then holds the run that did so, under `rollback`.
        """
        with self._app.app_context():
            return self._run(self._asked(BY))

    def roll_back(self, run_id: str, *, dry_run: bool = False) -> dict[str, Any]:
        """Take a run back, as far as its records have not moved since; dry, say what that would write.

        Raises NotFound, and AlreadyDecided for a run that is still at work.
        """
        with self._app.app_context():
            return rollbacks.roll_back(self._engine, run_id, BY, dry_run=dry_run)

    def start_auto_sync(self) -> None:
        """Sync in the background from now on: a run at once and at every interval, and pushes as they fall due."""
        self._auto.start()

    def stop_auto_sync(self) -> None:
        """Finish what is under way, and stop. It can be started again."""
        self._auto.stop()

    def get_status(self) -> dict[str, Any]:
        """Return how the sync is.

        `is_running` says whether it syncs in the background, `last_sync` when a run last ended, `success_rate` which
        part of the last runs did not fail (0 to 1, None before the first), `total_conflicts` how many wait for a
        person, `owed` and `failed` how many records the CRM has yet to hear of, or has refused.
        """
        with self._app.app_context():
            return {"is_running": self._auto.is_running, **views.summary(self._engine, self.entities)}

    def get_conflicts(self) -> list[Conflict]:
        """Return the conflicts that wait for a person."""
        with self._app.app_context():
            return list(views.open_conflicts(self._engine, self.entities))

    def close(self) -> None:
        """Stop, and give the connections back."""
        self.stop_auto_sync()
        with self._app.app_context():
            db.engine.dispose()
        self.crm.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def _asked(self, by: str) -> Asked:
        return Asked(self.sync.direction.value, self.entities, by)

    def _run(self, asked: Asked) -> dict[str, Any]:
        done = runs.run(self._engine, asked)
        if done["status"] == "failed" and self.sync.enable_rollback:
            done["rollback"] = rollbacks.roll_back(self._engine, done["id"], asked.by, dry_run=False)
        return done


def _settings(config: CRMConfig, sync: SyncConfig, address: str) -> dict[str, Any]:
    """Return what the service would read from the environment; the rest it reads there."""
    return {
        **{variable: getattr(config, name) for name, variable in ENVIRONMENT.items()},
        "SQLALCHEMY_DATABASE_URI": address,
        "CONFLICT_POLICY": sync.conflict_resolution.value,
        "SYNC_BATCH_SIZE": sync.batch_size,
        "SYNC_INTERVAL": sync.sync_interval_minutes,
        "SYNC_DELETED": sync.sync_deleted,
        "WEBHOOK_SECRETS": [],  # there is no server that the CRM could post to
        "LOG_LEVEL": logging.getLogger().level,  # as the program has set it
    }
