"""Whom the CRM does not have is nobody there, and stays who it is here."""

import pytest

from app.resources import REGISTRY
from tests.support.users import LATER


@pytest.fixture
def registry():
    return REGISTRY


@pytest.fixture(params=["crm_wins", "local_wins", "latest", "manual"])
def settings(request):
    return {"SYNC_DELETED": False, "CONFLICT_POLICY": request.param}


@pytest.fixture
def kept(client, crm, engine):
    """A client that the CRM has deleted, and that is kept here."""
    made = client.post("/clients", json={"name": "Tech"}).json
    crm.http.delete(f"/crm/clients/{made['crm_id']}", headers={"X-API-Key": "demo-api-key"})
    client.post("/sync")
    return client.get(f"/clients/{made['id']}").json["id"]


def theirs(crm, project):
    return crm.http.get(f"/crm/projects/{project['crm_id']}", headers={"X-API-Key": "demo-api-key"}).json


def ours(client, project):
    found = client.get(f"/projects/{project['id']}").json
    return found["client_id"], found["sync_status"], found["version"]


def test_who_is_not_in_the_crm_goes_on_being_named_here(client, crm, kept, worker):
    project = client.post("/projects", json={"name": "Relaunch", "client_id": kept}).json

    assert theirs(crm, project)["client_id"] is None
    assert ours(client, project) == (kept, "synced", 1)
    before = len(crm.calls("PATCH", "/crm/projects"))
    client.post("/sync")
    worker.settle()
    assert ours(client, project) == (kept, "synced", 1)
    assert len(crm.calls("PATCH", "/crm/projects")) == before
    found = client.post("/sync/verify").json["differences"]
    assert {(one["resource"], one["reason"]) for one in found} == {("clients", "unlinked")}


def test_an_edit_of_something_else_keeps_it_too(client, crm, kept):
    project = client.post("/projects", json={"name": "Relaunch", "client_id": kept}).json

    client.patch(f"/projects/{project['id']}", json={"name": "Relaunch 2"})

    assert theirs(crm, project)["name"] == "Relaunch 2"
    assert ours(client, project) == (kept, "synced", 2)


def test_a_webhook_that_is_faster_than_the_answer_does_not_take_it_away(client, crm, kept, worker, webhook):
    project = client.post("/projects", json={"name": "Relaunch"}).json
    client.patch(f"/projects/{project['id']}", json={"client_id": kept, "name": "B"}, headers=LATER)
    told = {"client_id": None, "name": "B"}
    crm.line.after = lambda request: (
        webhook(project["crm_id"], told, resource="projects", version=2) if request.method == "PATCH" else None
    )

    worker.push()
    crm.line.after = lambda _request: None
    worker.settle()

    assert ours(client, project)[:2] == (kept, "synced")
    before = len(crm.calls("PATCH", "/crm/projects"))
    worker.settle()
    assert len(crm.calls("PATCH", "/crm/projects")) == before


def test_somebody_whom_the_crm_puts_there_is_taken_in(client, crm, kept):
    project = client.post("/projects", json={"name": "Relaunch", "client_id": kept}).json
    other = client.post("/clients", json={"name": "Other"}).json

    crm.http.patch(
        f"/crm/projects/{project['crm_id']}",
        json={"client_id": other["crm_id"]},
        headers={"X-API-Key": "demo-api-key"},
    )
    client.post("/sync")

    assert ours(client, project)[0] == other["id"]
