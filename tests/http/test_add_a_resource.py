"""A resource that is declared gets everything: what docs/add-a-resource.md says, done with a toy."""

import json
import shutil
from typing import ClassVar

import flask_migrate
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from sqlalchemy import MetaData, String
from sqlalchemy.orm import Mapped

from app.core.db import db
from app.core.reference import Reference
from app.core.resource import Synced, field, registry_of
from app.core.typed import Choice, Day
from app.resources.clients import Client
from app.wiring import MIGRATIONS
from tests.support.tiny_crm import TinyCrm


class Invoice(Synced):
    """What a client is asked to pay."""

    __tablename__ = "invoices"
    metadata = MetaData(naming_convention=db.metadata.naming_convention)  # the other tests have no such table
    crm_path = "/crm/invoices"
    actions: ClassVar = {"status": ("status",)}

    number: Mapped[str] = field(String(40), unique=True, example="2026-017")
    status: Mapped[str] = field(String(8), kind=Choice.of("open", "paid"), default="open", example="open")
    note: Mapped[str | None] = field(String(200), crm="remark", example="Thank you.")
    client_id: Mapped[str | None] = field(String(36), kind=Reference.to("clients"))
    due_date: Mapped[str | None] = field(String(10), kind=Day, example="2026-06-30")


@pytest.fixture
def registry():
    return registry_of(Invoice, Client)


@pytest.fixture
def crm(clock):
    return TinyCrm(clock)


@pytest.fixture
def app(app, tmp_path):
    """The application over a database with the toy's table, made by the migration that is written for it."""
    directory = str(tmp_path / "migrations")
    shutil.copytree(MIGRATIONS, directory)
    lent = Invoice.__table__.to_metadata(db.metadata)
    try:
        flask_migrate.migrate(directory=directory, message="Invoices")
    finally:
        db.metadata.remove(lent)
    flask_migrate.upgrade(directory=directory)
    yield app
    flask_migrate.downgrade(directory=directory)


@pytest.fixture
def owner(client):
    return client.post("/clients", json={"name": "Innovative Tech"}).json


@pytest.fixture
def invoice(client, owner):
    made = client.post("/invoices", json={"number": "2026-017", "note": "Thank you.", "client_id": owner["id"]})
    assert made.status_code == 201, made.text
    return made.json


def test_a_migration_is_written_for_it(app, tmp_path):
    known = {path.name for path in (MIGRATIONS / "versions").iterdir()}
    (written,) = [one for one in (tmp_path / "migrations/versions").glob("*.py") if one.name not in known]

    text = written.read_text()

    assert text.count("create_table") == 1
    assert "create_table('invoices'" in text
    assert "uq_invoices_number_key" in text
    assert "ix_invoices_client_id" in text


def test_it_is_served_and_journalled(client, invoice):
    url = f"/invoices/{invoice['id']}"

    assert invoice["status"] == "open"
    assert client.patch(f"{url}/status", json={"status": "paid"}).json["version"] == 2
    assert client.get("/invoices?status=paid&due_date=2026-06-30").json["data"] == []
    assert [one["id"] for one in client.get("/invoices?status=paid").json["data"]] == [invoice["id"]]
    newest = client.get(f"{url}/changes").json["data"][0]
    assert (newest["field"], newest["from"], newest["to"]) == ("status", "open", "paid")
    assert client.post("/invoices", json={"number": "2026-017"}).status_code == 409
    assert set(client.post("/invoices", json={"status": "lost"}).json["errors"]) == {"number", "status"}


def test_what_belongs_to_its_parent_is_found_there(client, owner, invoice):
    second = client.post(f"/clients/{owner['id']}/invoices", json={"number": "2026-018"}).json

    found = client.get(f"/clients/{owner['id']}/invoices?sort=number").json["data"]

    assert [one["id"] for one in found] == [invoice["id"], second["id"]]


def test_it_travels_to_the_crm_under_the_crms_names(client, crm, owner, invoice):
    there = crm.rows[invoice["crm_id"]]

    assert invoice["sync_status"] == "synced"
    assert (there["number"], there["remark"], there["client_id"]) == ("2026-017", "Thank you.", owner["crm_id"])
    client.patch(f"/invoices/{invoice['id']}", json={"note": None})
    assert there["remark"] is None
    client.delete(f"/invoices/{invoice['id']}")
    assert there["deleted"]


def test_the_crms_edits_come_back(client, crm, webhook, worker, invoice):
    url = f"/invoices/{invoice['id']}"

    webhook(invoice["crm_id"], {"remark": "By webhook"}, resource="invoices")
    assert client.get(url).json["note"] == "By webhook"
    crm.edit(invoice["crm_id"], remark="By pull", status="paid")
    worker.pull()
    assert (client.get(url).json["note"], client.get(url).json["status"]) == ("By pull", "paid")


def test_what_both_sides_changed_is_a_conflict(client, crm, worker, invoice):
    later = {"Prefer": "respond-async"}
    client.patch(f"/invoices/{invoice['id']}", json={"note": "Ours"}, headers=later)
    crm.edit(invoice["crm_id"], remark="Theirs")
    worker.pull()

    (conflict,) = client.get("/sync/conflicts?resource=invoices").json["data"]

    assert (conflict["field"], conflict["local"], conflict["crm"]) == ("note", "Ours", "Theirs")
    assert client.get(f"/invoices/{invoice['id']}").json["note"] == "Theirs"


def test_many_are_made_and_edited_at_once(client, crm, worker):
    items = [{"number": str(number)} for number in range(3)]
    made = client.post("/invoices/batch", json={"items": [*items, {}]}).json
    ids = [one["record"]["id"] for one in made["results"][:3]]

    edited = client.patch("/invoices", json={"ids": ids, "set": {"status": "paid"}}).json
    worker.push()

    assert (made["created"], made["failed"], edited["updated"]) == (3, 1, 3)
    assert [row["status"] for row in crm.rows.values()] == ["paid"] * 3


def test_files_go_in_and_out(app, client, tmp_path):
    (tmp_path / "invoices.csv").write_text("Number,Status,Due Date\nA1,paid,2026-06-30\nA2,lost,\n")
    run = app.test_cli_runner().invoke

    run(args=["sync", "import", str(tmp_path / "invoices.csv"), "--resource", "invoices"])
    told = run(args=["sync", "export", "--resource", "invoices", "--format", "ndjson"]).stdout

    (only,) = map(json.loads, told.splitlines())
    assert (only["number"], only["status"], only["due_date"]) == ("A1", "paid", "2026-06-30")


def test_it_is_documented(client):
    document = client.get("/openapi.json").json

    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    assert {"/invoices", "/invoices/{record_id}/status", "/clients/{record_id}/invoices"} <= document["paths"].keys()
    assert document["components"]["schemas"]["InvoiceCreate"]["properties"]["status"]["default"] == "open"
    assert "Invoices" in {one["name"] for one in client.get("/postman.json").json["item"]}


def test_nothing_of_it_is_left_to_other_tests():
    assert "invoices" not in db.metadata.tables
