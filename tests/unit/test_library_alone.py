"""The client is usable in a program that has no Flask and no database."""

import subprocess
import sys
from pathlib import Path

import pytest

import app

ROOT = Path(__file__).resolve().parents[2]
WITHOUT = """
import sys
for name in ("flask", "flask_sqlalchemy", "flask_migrate", "sqlalchemy", "alembic", "werkzeug"):
    sys.modules[name] = None  # importing it raises ImportError
from app.crm import CRMClient, CRMConfig
crm = CRMClient(CRMConfig("http://crm.example", authentication_type="api_key", api_key="k"))
print(crm.projects.path)
"""


def test_the_client_needs_no_flask_and_no_database():
    ran = subprocess.run([sys.executable, "-c", WITHOUT], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (ran.stdout, ran.stderr) == ("/api/v1/projects\n", "")


def test_what_the_package_offers_is_there_when_it_is_asked_for():
    assert all(getattr(app, name) is not None for name in app.__all__)
    with pytest.raises(AttributeError, match="no attribute 'create_ap'"):
        app.create_ap  # noqa: B018
