"""Listings by page number: filters, what belongs to a record, and the actions."""

import json

import pytest

from mock_crm.resources import RESOURCES
from tests.support.crm_records import maker, whole


@pytest.fixture
def make(crm):
    return maker(crm)


@pytest.fixture
def ids(crm):
    """The ids in an answer."""

    def ids(path, **query):
        answer = crm.get(path, query_string=query)
        assert answer.status_code == 200, answer.json
        return [each["crm_id"] for each in answer.json["items"]]

    return ids


def as_text(value):
    if isinstance(value, list):
        return str(value[0])
    return json.dumps(value) if isinstance(value, bool | dict) else str(value)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each.name)
def test_a_filter_finds_by_any_field(crm, make, ids, resource):
    body = whole(resource, make)
    full = crm.post(f"/crm/{resource.name}", json=body).json["crm_id"]
    bare = make(resource.name)
    for each in resource.fields:
        found = ids(f"/api/v1/{resource.name}", **{each.name: as_text(body[each.name])})
        assert (full in found, bare in found and not each.required) == (True, False), each.name
        if not each.required and each.default in (None, "", [], {}):
            found = ids(f"/crm/{resource.name}", **{each.name: ""})
            assert (full in found, bare in found) == (False, True), each.name


def test_filters_are_all_met(make, ids):
    client = make("clients")
    make("projects", client_id=client, status="planned")
    both = make("projects", client_id=client, status="active")
    make("projects", status="active")
    assert ids("/crm/projects", client_id=client, status="active") == [both]
    assert ids("/crm/projects", client_id="CRM5", status="active") == []
    assert ids("/crm/projects", client_id="5") == []


def test_a_list_is_searched_for_one_of_its_own(make, ids):
    one = make("contacts", acme_tags=["fair", "100%"])
    make("contacts", acme_tags=["fairy"])
    assert ids("/crm/contacts", acme_tags="fair") == ids("/crm/contacts", acme_tags="100%") == [one]


def test_a_listing_has_pages_with_numbers(crm, make):
    made = [make("tasks", title=f"Task {number}") for number in range(5)]
    first, last, beyond = (
        crm.get(f"/crm/tasks?status=todo&per_page=2&page={number}").json for number in (1, 3, 1_000_000_000)
    )
    assert [each["crm_id"] for each in first["items"] + last["items"]] == [*made[:2], made[4]]
    assert (first["page"], first["per_page"], first["total"], first["pages"]) == (1, 2, 5, 3)
    assert (beyond["items"], beyond["total"]) == ([], 5)
    empty = crm.get("/crm/clients?page=1").json
    assert empty == {"items": [], "page": 1, "per_page": 20, "total": 0, "pages": 0}


def test_a_deleted_record_is_not_listed(crm, make, ids):
    crm.delete(f"/crm/tasks/{make('tasks')}")
    assert ids("/crm/tasks", status="todo") == []


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        ("page=0&per_page=1001", {"page", "per_page"}),
        ("page=x&per_page=-1", {"page", "per_page"}),
        ("page=%D9%A1&per_page=" + "9" * 5000, {"page", "per_page"}),
        ("status=wild&due_date=soon&priority=high", {"status", "due_date"}),
        ("completed_at=2026-01-01&title=" + "x" * 201, {"completed_at", "title"}),
    ],
)
def test_every_wrong_parameter_is_named(crm, query, wrong):
    answer = crm.get(f"/crm/tasks?{query}")
    assert (answer.status_code, set(answer.json["errors"])) == (400, wrong)


@pytest.mark.parametrize("query", ["", "limit=5", "unknown=1", "updated_since=&status=todo", "limit=5&updated_since="])
def test_without_a_filter_it_is_the_feed_as_ever(crm, make, query):
    crm.delete(f"/crm/tasks/{make('tasks')}")
    page = crm.get(f"/crm/tasks?{query}").json
    assert (len(page["items"]), set(page)) == (1, {"items", "next_cursor", "has_more"})


def test_a_look_up_by_external_id_is_none_by_filter(crm, make):
    make("tasks", external_id="mine")
    assert len(crm.get("/crm/tasks?external_id=mine&status=completed").json["items"]) == 1


@pytest.mark.parametrize(
    ("parent", "children", "field"),
    [
        ("projects", "tasks", "project_id"),
        ("users", "tasks", "assignee_id"),
        ("users", "projects", "owner_id"),
        ("clients", "projects", "client_id"),
        ("clients", "interactions", "client_id"),
        ("clients", "calendar-events", "client_id"),
        ("tasks", "calendar-events", "task_id"),
    ],
)
def test_what_refers_to_a_record_belongs_to_it(make, ids, *, parent, children, field):
    one, other = make(parent), make(parent)
    made = [make(children, **{field: one}) for _ in range(2)]
    make(children, **{field: other})
    for prefix in ("/crm", "/api/v1"):
        assert ids(f"{prefix}/{parent}/{one}/{children}") == made
    assert ids(f"/crm/{parent}/{one}/{children}", page=2, per_page=1) == made[1:]


def test_a_users_comments_are_those_by_them_and_those_about_them(make, ids):
    user, task = make("users"), make("tasks")
    by = make("comments", entity_type="task", entity_id=task, author_id=user)
    about = make("comments", entity_type="user", entity_id=user)
    make("comments")
    assert ids(f"/crm/users/{user}/comments") == [by, about]
    assert ids(f"/crm/tasks/{task}/comments") == [by]
    assert ids("/crm/comments", entity_type="user", entity_id=user) == [about]
    assert ids(f"/crm/users/{user}/comments", entity_type="task") == [by]


def test_what_belongs_to_nothing_is_not_found(crm, make):
    user, client = make("users"), make("clients")
    assert crm.get("/crm/clients/CRM7/projects").status_code == 404
    assert crm.get(f"/crm/clients/{user}/projects").status_code == 404
    assert crm.get(f"/crm/clients/{client}/users").status_code == 404
    assert crm.post(f"/crm/clients/{client}/projects", json={}).status_code == 405
    crm.delete(f"/crm/clients/{client}")
    assert crm.get(f"/crm/clients/{client}/projects").status_code == 404
    assert crm.get("/crm/_stats").json["calls"]["GET clients/<id>/projects"] == 3


def test_a_task_is_assigned_and_moves_on(crm, make):
    task, user = make("tasks"), make("users")
    assigned = crm.patch(f"/api/v1/tasks/{task}/assign", json={"assignee_id": user, "title": "Not this"})
    assert (assigned.status_code, assigned.headers["ETag"]) == (200, '"2"')
    moved = crm.patch(f"/crm/tasks/{task}/status", json={"status": "completed"}, headers={"If-Match": '"2"'}).json
    assert (moved["assignee_id"], moved["status"], moved["version"], moved["title"]) == (
        user,
        "completed",
        3,
        assigned.json["title"],
    )
    assert assigned.json["title"] != "Not this"
    assert crm.patch(f"/crm/tasks/{task}/assign", json={"assignee_id": None}).json["assignee_id"] is None
    assert crm.get("/crm/_stats").json["calls"]["PATCH tasks/<id>/assign"] == 2


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/crm/tasks/{}/assign", {"assignee_id": "CRM7"}, 400),
        ("/crm/tasks/{}/assign", {"status": "todo"}, 400),
        ("/crm/tasks/{}/status", {"status": "wild"}, 400),
        ("/crm/tasks/{}/status", [], 400),
        ("/crm/tasks/CRM7/status", {"status": "todo"}, 404),
        ("/crm/projects/{}/status", {"status": "active"}, 404),
        ("/crm/tasks/{}/rename", {"title": "B"}, 404),
    ],
)
def test_an_action_that_makes_no_sense_is_refused(crm, make, *, path, body, status):
    task = make("tasks")
    answer = crm.patch(path.format(task), json=body)
    assert (answer.status_code, "error" in answer.json) == (status, True)
    assert crm.get(f"/crm/tasks/{task}").json["version"] == 1


def test_an_action_tells_the_webhooks(crm, make, subscribed):
    task = make("tasks")
    crm.patch(f"/crm/tasks/{task}/status", json={"status": "in-progress"})
    assert subscribed.wait_for(2)[-1]["updated_fields"] == {"status": "in-progress"}


def test_every_listing_needs_a_sign_in(mock_client):
    for path in ("/crm/tasks?status=todo", "/crm/users/CRM1/tasks"):
        assert mock_client.get(path).status_code == 401
    assert mock_client.patch("/crm/tasks/CRM1/status", json={"status": "todo"}).status_code == 401
