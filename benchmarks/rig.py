"""What a benchmark runs on: a service on a database of its own, and the mock CRM on a port of its own."""

import logging
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from flask import Flask
from flask_migrate import upgrade
from werkzeug.serving import make_server

import mock_crm
from app import create_app
from app.core.db import db

KEY = {"X-API-Key": "demo-api-key"}


@dataclass(frozen=True)
class Rig:
    """A service and its CRM; `calls` is how many calls the CRM has had."""

    app: Flask
    crm_url: str

    def calls(self) -> int:
        stats: dict[str, Any] = requests.get(f"{self.crm_url}/crm/_stats", headers=KEY, timeout=5).json()
        return sum(stats["calls"].values())


@contextmanager
def fresh(template: Path) -> Iterator[Rig]:
    """Start a service on a copy of a migrated database, and a CRM that is empty."""
    with tempfile.TemporaryDirectory(prefix="crm-sync-bench-") as folder:
        database = Path(folder) / "app.db"
        shutil.copy(template, database)
        crm = mock_crm.create_app({"MOCK_CRM_DATABASE": Path(folder) / "crm.db", "MOCK_CRM_RATE_LIMIT": 0})
        logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each call is no part of what is measured
        server = make_server("127.0.0.1", 0, crm, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        app = service(f"sqlite:///{database}", url)
        try:
            with app.app_context():
                yield Rig(app, url)
                db.engine.dispose()
        finally:
            server.shutdown()
            crm.extensions["mock_crm"].stop()


@contextmanager
def template() -> Iterator[Path]:
    """Make a migrated database to copy from."""
    with tempfile.TemporaryDirectory(prefix="crm-sync-bench-") as folder:
        path = Path(folder) / "template.db"
        app = service(f"sqlite:///{path}", "http://127.0.0.1:9")
        with app.app_context():
            upgrade()
            db.engine.dispose()
        yield path


def service(database_url: str, crm_url: str) -> Flask:
    return create_app(
        {
            "APP_ENV": "testing",
            "SQLALCHEMY_DATABASE_URI": database_url,
            "CRM_API_URL": crm_url,
            "CRM_PACE_FILE": "",
            "SYNC_MODE": "worker",
            "LOG_LEVEL": "CRITICAL",
            "LOG_FILE": "",
        }
    )
