"""References travel as the CRM's ids: parents go first, and what is not known yet is asked for."""

import pytest

from app.core.db import reading
from app.resources import REGISTRY
from app.store import outbox

LATER = {"Prefer": "respond-async"}


@pytest.fixture
def registry():
    return REGISTRY


@pytest.fixture
def make(client):
    def make(resource, headers=None, **fields):
        answer = client.post(f"/{resource}", json=fields, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json

    return make


@pytest.fixture
def there(crm):
    """The CRM, any resource of it."""

    class There:
        def __init__(self):
            self.headers = {"X-API-Key": "demo-api-key"}

        def create(self, resource, **fields):
            answer = crm.http.post(f"/crm/{resource}", json=fields, headers=self.headers)
            assert answer.status_code == 201, answer.text
            return answer.json

        def edit(self, resource, crm_id, **fields):
            answer = crm.http.patch(f"/crm/{resource}/{crm_id}", json=fields, headers=self.headers)
            assert answer.status_code == 200, answer.text
            return answer.json

        def get(self, resource, crm_id):
            return crm.http.get(f"/crm/{resource}/{crm_id}", headers=self.headers).json

        def all(self, resource):
            answer = crm.http.get(f"/crm/{resource}?updated_since=&limit=1000", headers=self.headers)
            return [one for one in answer.json["items"] if not one["deleted"]]

    return There()


def test_a_child_is_pushed_with_the_id_that_its_parent_has_in_the_crm(make, there):
    parent = make("clients", name="Tech")
    child = make("projects", name="Relaunch", client_id=parent["id"])
    assert (child["sync_status"], child["client_id"]) == ("synced", parent["id"])
    assert there.get("projects", child["crm_id"])["client_id"] == parent["crm_id"]


def test_a_child_waits_for_its_parent_and_says_so(make, client, worker, there, crm):
    parent = make("clients", LATER, name="Tech")
    child = make("projects", name="Relaunch", client_id=parent["id"])
    assert child["sync_status"] == "pending"
    assert "client_id" in child["sync_error"]
    assert there.all("projects") == []

    worker.push()
    worker.push()
    child = client.get(f"/projects/{child['id']}").json
    assert (child["sync_status"], child["sync_error"]) == ("synced", None)
    (found,) = there.all("projects")
    assert found["client_id"] == there.all("clients")[0]["crm_id"]


def test_a_chain_of_new_records_reaches_the_crm_in_one_go(make, worker, client, there):
    parent = make("clients", LATER, name="Tech")
    project = make("projects", LATER, name="Relaunch", client_id=parent["id"])
    task = make("tasks", LATER, title="Call", project_id=project["id"], client_id=parent["id"])
    make("comments", LATER, content="Go on.", entity_type="task", entity_id=task["id"])
    assert client.post("/sync").json["status"] == "succeeded"
    (comment,) = there.all("comments")
    assert comment["entity_id"] == there.all("tasks")[0]["crm_id"]
    assert client.get("/sync/status").json["resources"]["comments"]["owed"] == 0


def test_a_parent_that_the_crm_refuses_keeps_its_children_waiting(make, client, worker, crm, clock):
    crm.fault("status", status=422, method="POST", resource="clients")
    parent = make("clients", name="Tech")
    assert parent["sync_status"] == "failed"
    child = make("projects", name="Relaunch", client_id=parent["id"])
    assert child["sync_status"] == "pending"
    crm.heal()
    clock.pass_(minutes=11)
    worker.push()
    assert client.get(f"/projects/{child['id']}").json["sync_status"] == "pending"
    client.patch(f"/clients/{parent['id']}", json={"name": "Tech Inc"})
    worker.push()
    assert client.get(f"/projects/{child['id']}").json["sync_status"] == "synced"


def test_a_parent_that_never_reached_the_crm_and_never_will_is_nobody_there(make, client, worker, there):
    parent = make("clients", LATER, name="Tech")
    child = make("projects", LATER, name="Relaunch", client_id=parent["id"])
    client.delete(f"/clients/{parent['id']}", headers=LATER)
    worker.push()
    assert client.get(f"/projects/{child['id']}").json["sync_status"] == "synced"
    assert there.all("projects")[0]["client_id"] is None


def test_who_refers_to_nobody_is_refused(client, make):
    nobody = "00000000-0000-4000-8000-000000000000"
    for body in ({"client_id": nobody}, {"client_id": "nobody"}, {"client_id": 1}):
        answer = client.post("/projects", json={"name": "Relaunch", **body})
        assert (answer.status_code, list(answer.json["errors"])) == (400, ["client_id"])
    gone = make("clients", name="Tech")
    client.delete(f"/clients/{gone['id']}")
    assert client.post("/projects", json={"name": "Relaunch", "client_id": gone["id"]}).status_code == 400
    child = make("projects", name="Relaunch")
    assert client.patch(f"/projects/{child['id']}", json={"client_id": gone["id"]}).status_code == 400


def test_a_comment_is_about_a_record_of_the_kind_it_names(client, make):
    project = make("projects", name="Relaunch")
    body = {"content": "Go on.", "entity_id": project["id"]}
    assert client.post("/comments", json={**body, "entity_type": "task"}).json["errors"].keys() == {"entity_id"}
    comment = make("comments", **body, entity_type="project")
    assert client.get(f"/projects/{project['id']}/comments").json["data"] == [comment]
    moved = client.patch(f"/comments/{comment['id']}", json={"entity_type": "task"})
    assert moved.status_code == 400


def test_what_the_crm_says_of_a_child_names_our_parent(client, there):
    parent = there.create("clients", name="Tech")
    there.create("projects", name="Relaunch", client_id=parent["crm_id"])
    client.post("/sync")
    (project,) = client.get("/projects").json["data"]
    assert project["client_id"] == client.get("/clients").json["data"][0]["id"]
    assert (project["sync_status"], project["version"]) == ("synced", 1)


def test_a_child_that_is_heard_of_before_its_parent_brings_it_along(client, there, worker, clock):
    parent = there.create("clients", name="Tech")
    child = there.create("projects", name="Relaunch", client_id=parent["crm_id"])
    client.post("/sync", json={"resources": ["projects"]})
    assert client.get("/projects").json["data"] == []
    worker.settle()
    (project,) = client.get("/projects").json["data"]
    assert project["crm_id"] == child["crm_id"]
    assert project["client_id"] == client.get("/clients").json["data"][0]["id"]


def test_a_webhook_that_moves_a_child_to_an_unknown_parent_is_settled(client, make, there, webhook, worker, clock):
    project = make("projects", name="Relaunch", client_id=make("clients", name="Tech")["id"])
    other = there.create("clients", name="Other")
    told = there.edit("projects", project["crm_id"], client_id=other["crm_id"], name="Moved")
    answer = webhook(project["crm_id"], {"client_id": other["crm_id"], "name": "Moved"}, resource="projects",
                     version=told["version"])  # fmt: skip
    assert answer.status_code == 202
    worker.settle()
    found = client.get(f"/projects/{project['id']}").json
    assert found["name"] == "Moved"
    assert client.get(f"/clients/{found['client_id']}").json["crm_id"] == other["crm_id"]


def test_an_unseen_move_is_not_overwritten_by_ours(client, make, there, worker):
    project = make("projects", name="Relaunch", client_id=make("clients", name="Tech")["id"])
    other = there.create("clients", name="Other")
    there.edit("projects", project["crm_id"], client_id=other["crm_id"])
    client.post("/sync", json={"resources": ["projects"]})  # hears of it, and does not know whom it means
    third = make("clients", name="Third")
    client.patch(f"/projects/{project['id']}", json={"client_id": third["id"]}, headers=LATER)
    for _ in range(3):
        worker.settle()
        worker.push()
    conflicts = client.get("/sync/conflicts").json["data"]
    assert [one["field"] for one in conflicts] == ["client_id"]
    found = client.get(f"/projects/{project['id']}").json
    assert client.get(f"/clients/{found['client_id']}").json["crm_id"] == other["crm_id"]


def test_a_parent_that_is_not_in_the_crm_any_more_is_nobody(client, there, crm, worker, clock):
    parent = there.create("clients", name="Tech")
    there.create("projects", name="Relaunch", client_id=parent["crm_id"])
    crm.http.delete(f"/crm/clients/{parent['crm_id']}", headers=there.headers)
    client.post("/sync", json={"resources": ["projects"]})
    worker.settle()
    (project,) = client.get("/projects").json["data"]
    assert (project["client_id"], project["sync_status"]) == (None, "synced")
    before = len(crm.calls(path="/crm"))
    client.post("/sync", json={"resources": ["projects"]})
    worker.settle()
    assert len(crm.calls(path="/crm")) == before + 1, "it is not asked about again and again"


def test_a_record_in_step_is_verified_with_its_references(client, make):
    make("projects", name="Relaunch", client_id=make("clients", name="Tech")["id"])
    found = client.post("/sync/verify").json
    assert (found["in_step"], found["differences"]) == (2, [])


def test_nothing_waits_that_has_been_pushed(make, worker):
    parent = make("clients", LATER, name="Tech")
    make("projects", LATER, name="Relaunch", client_id=parent["id"])
    for _ in range(3):
        worker.push()
    with reading() as connection:
        assert [outbox.backlog(connection, name)[0] for name in REGISTRY] == [0] * len(REGISTRY)


def test_who_is_in_the_crm_again_is_named_anew_by_what_named_it(client, make, there, worker, crm):
    parent = make("clients", name="Tech")
    child = make("projects", name="Relaunch", client_id=parent["id"])
    crm.http.delete(f"/crm/clients/{parent['crm_id']}", headers=there.headers)
    client.post("/sync")
    assert client.get(f"/clients/{parent['id']}").status_code == 404
    again = client.post(f"/clients/{parent['id']}/restore").json
    assert again["crm_id"] not in {None, parent["crm_id"]}
    worker.push()
    assert there.get("projects", child["crm_id"])["client_id"] == again["crm_id"]
    assert client.get(f"/projects/{child['id']}").json["client_id"] == parent["id"]
    assert client.post("/sync/verify").json["differences"] == []


def test_who_waits_for_a_parent_that_is_deleted_before_it_reached_the_crm_waits_no_longer(make, client, worker, there):
    parent = make("clients", LATER, name="Tech")
    child = make("projects", name="Relaunch", client_id=parent["id"])
    assert "client_id" in child["sync_error"]

    client.delete(f"/clients/{parent['id']}", headers=LATER)
    worker.push()

    assert client.get(f"/projects/{child['id']}").json["sync_status"] == "synced"
    assert there.all("projects")[0]["client_id"] is None
