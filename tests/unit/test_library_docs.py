"""The examples of docs/crm-client.md work as they are written."""

import doctest
import inspect
import shutil
from dataclasses import MISSING, fields
from pathlib import Path

from app import SyncConfig
from app.crm import CRMConfig
from app.crm.config import ENVIRONMENT
from app.crm.transport import BoundedSession

PAGE = Path(__file__).resolve().parents[2] / "docs" / "crm-client.md"


def test_the_examples_work(crm, sqlite_template, tmp_path, monkeypatch):
    shutil.copy(sqlite_template, tmp_path / "app.db")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(BoundedSession, "get_adapter", lambda _session, url: crm.line)

    failed, tried = doctest.testfile(str(PAGE), module_relative=False)

    assert tried > 25
    assert failed == 0


def row_of(name, columns):
    """Return the cells of a parameter's row, in the table with so many columns, without their quotes."""
    rows = [one.strip("|").split("|") for one in PAGE.read_text().splitlines() if one.startswith("|")]
    [row] = [row for row in rows if len(row) == columns and f"`{name}`" in row[0]]
    return [cell.strip(" `") for cell in row]


def test_every_parameter_of_the_client_is_in_the_table_with_its_default():
    for one in fields(CRMConfig):
        _, variables, default, _ = row_of(one.name, 4)

        assert ENVIRONMENT[one.name] in variables
        assert default == {MISSING: "required", "": ""}.get(one.default, f"{one.default}".removesuffix(".0"))


def test_every_parameter_of_the_sync_is_in_the_table_with_its_default():
    for name, one in inspect.signature(SyncConfig).parameters.items():
        default = "all" if one.default is None else getattr(one.default, "name", str(one.default))

        assert row_of(name, 3)[1] == default
