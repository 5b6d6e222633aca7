"""The endpoints: which calls they make, and what they make of the answers."""

import json
from dataclasses import replace
from datetime import date

import pytest
from responses import matchers

from app.crm import Comment, Conflict, CRMClient, NotThere, OutcomeUnknown, Project, Task, User
from app.resources import REGISTRY
from tests.support.crm_client import CONFIG
from tests.support.settings import CRM_URL as URL

API = f"{URL}/api/v1"
PROJECT = {
    "crm_id": "CRM1",
    "version": 3,
    "updated_at": "2026-01-01T00:00:00.000Z",
    "name": "Relaunch",
    "status": "active",
}
TASK = {"crm_id": "CRM2", "version": 1, "title": "Call", "due_date": "2026-02-03"}


def page(*items, **numbers):
    return {"items": items, "page": 1, "per_page": 20, "total": len(items), "pages": 1, **numbers}


def last(line):
    return line.calls[-1].request


def body(line):
    return json.loads(last(line).body)


@pytest.mark.parametrize("name", REGISTRY)
def test_every_resource_has_an_endpoint_under_the_version_of_the_api(name, world):
    client = CRMClient(replace(CONFIG, api_version="v2"), world)

    assert getattr(client, name.replace("-", "_")).path == f"/api/v2/{name}"


def test_a_page_of_records_knows_its_place(canned, line):
    query = {"status": "active", "client_id": "CRM5", "page": "2", "per_page": "1"}
    answer = page(PROJECT, page=2, per_page=1, total=3, pages=3)
    line.get(f"{API}/projects", json=answer, match=[matchers.query_param_matcher(query)])

    found = canned.projects.get_all(status="active", client_id="CRM5", owner_id=None, page=2, per_page=1)

    assert [project.name for project in found] == ["Relaunch"]
    assert (found.page, found.per_page, found.total, found.pages, found.is_last) == (2, 1, 3, 3, False)
    assert (len(found), found[0].id, found[0].version, found[:1]) == (1, "CRM1", 3, [found[0]])


def test_filters_are_written_as_the_crm_writes_values(canned, line):
    query = {"due_date": "2026-02-03", "page": "1", "per_page": "20"}
    line.get(f"{API}/tasks", json=page(TASK), match=[matchers.query_param_matcher(query)])
    line.get(
        f"{API}/calendar-events",
        json=page(),
        match=[matchers.query_param_matcher({"all_day": "true"}, strict_match=False)],
    )

    assert canned.tasks.get_all(due_date=date(2026, 2, 3))[0].due_date == date(2026, 2, 3)
    assert not canned.calendar_events.get_all(all_day=True)


def test_a_filter_that_the_crm_would_pass_over_is_not_sent(canned, line):
    with pytest.raises(TypeError, match="A Project has no statsu to filter by"):
        canned.projects.get_all(statsu="active")

    assert len(line.calls) == 0


@pytest.mark.parametrize("numbers", [{"page": 0}, {"per_page": 0}])
def test_a_page_that_cannot_be_is_not_asked_for(canned, line, numbers):
    with pytest.raises(ValueError, match="at least 1"):
        canned.users.get_all(**numbers)

    assert len(line.calls) == 0


def test_a_created_record_is_returned_as_the_crm_has_it(canned, line):
    line.post(f"{API}/projects", json=PROJECT, status=201)

    made = canned.projects.create(Project(name="Relaunch", due_date="2026-06-30"))

    assert body(line) == {"name": "Relaunch", "due_date": "2026-06-30"}
    assert (made.id, made.version, made.status) == ("CRM1", 3, "active")


def test_a_create_that_is_repeated_has_one_key(canned, line):
    line.post(f"{API}/projects", status=500)
    line.post(f"{API}/projects", status=503)
    line.post(f"{API}/projects", json=PROJECT, status=201)

    canned.projects.create(Project(name="Relaunch"))
    canned.projects.create(Project(name="Relaunch"))

    first, again, third, other = (call.request.headers["Idempotency-Key"] for call in line.calls)
    assert first == again == third != other


def test_a_create_with_an_id_of_ours_is_looked_up_before_it_is_repeated(canned, line):
    line.post(f"{API}/projects", status=500)
    query = [matchers.query_param_matcher({"external_id": "ours"})]
    line.get(f"{API}/projects", json={"items": [PROJECT | {"external_id": "ours"}]}, match=query)

    assert canned.projects.create(Project(name="Relaunch"), external_id="ours").id == "CRM1"
    assert [call.request.method for call in line.calls] == ["POST", "GET"]


def test_a_create_can_be_repeated_by_the_caller_with_a_key_that_it_keeps(once, line):
    line.post(f"{API}/projects", status=500)
    line.post(f"{API}/projects", json=PROJECT, status=201)

    with pytest.raises(OutcomeUnknown):
        once.projects.create(Project(name="Relaunch"), idempotency_key="mine")
    once.projects.create(Project(name="Relaunch"), idempotency_key="mine")

    assert [call.request.headers["Idempotency-Key"] for call in line.calls] == ["mine", "mine"]


def test_a_copy_of_a_record_that_was_read_is_created_whole(canned, line):
    line.get(f"{API}/projects/CRM1", json=PROJECT)
    line.post(f"{API}/projects", json=PROJECT | {"crm_id": "CRM9"}, status=201)

    copy = canned.projects.create(canned.projects.get_by_id("CRM1"))

    assert body(line) == {"name": "Relaunch", "status": "active"}
    assert copy.id == "CRM9"


def test_of_a_record_that_was_read_only_what_differs_is_sent_to_the_version_that_was_read(canned, line):
    line.get(f"{API}/projects/CRM1", json=PROJECT)
    line.patch(f"{API}/projects/CRM1", json=PROJECT | {"status": "completed", "version": 4})

    project = canned.projects.get_by_id("CRM1")
    project.status = "completed"
    updated = canned.projects.update("CRM1", project)

    assert body(line) == {"status": "completed"}
    assert last(line).headers["If-Match"] == '"3"'
    assert (updated.status, updated.version) == ("completed", 4)


def test_a_record_that_was_made_here_is_sent_as_far_as_it_is_given_to_whatever_is_there(canned, line):
    line.patch(f"{API}/projects/CRM1", json=PROJECT)

    canned.projects.update("CRM1", Project(name="Relaunch", priority="high"))

    assert body(line) == {"name": "Relaunch", "priority": "high"}
    assert "If-Match" not in last(line).headers


def test_single_fields_can_be_changed_and_emptied_by_name(canned, line):
    line.patch(f"{API}/tasks/CRM2", json=TASK)

    canned.tasks.update("CRM2", {"assignee_id": None, "due_date": date(2026, 2, 4)}, version=1)

    assert body(line) == {"assignee_id": None, "due_date": "2026-02-04"}
    assert last(line).headers["If-Match"] == '"1"'


def test_an_update_that_changes_nothing_only_reads(canned, line):
    line.get(f"{API}/projects/CRM1", json=PROJECT)

    assert canned.projects.update("CRM1", canned.projects.get_by_id("CRM1")).version == 3
    assert [call.request.method for call in line.calls] == ["GET", "GET"]


def test_a_record_that_has_moved_on_is_not_overwritten(canned, line):
    line.patch(f"{API}/projects/CRM1", json={"error": "stale"}, status=412)
    with pytest.raises(Conflict):
        canned.projects.update("CRM1", {"name": "x"}, version=3)


def test_a_record_is_deleted_once(canned, line):
    line.delete(f"{API}/projects/CRM1", status=204)
    line.delete(f"{API}/projects/CRM1", json={"error": "not_found"}, status=404)

    canned.projects.delete("CRM1", version=3)
    canned.projects.delete("CRM1")

    assert [call.request.headers.get("If-Match") for call in line.calls] == ['"3"', None]


def test_a_record_that_is_not_there_says_so(canned, line):
    line.get(f"{API}/users/CRM1", json={"error": "not_found"}, status=404)
    with pytest.raises(NotThere):
        canned.users.get_by_id("CRM1")


@pytest.mark.parametrize(
    ("ask", "path", "kind"),
    [
        (lambda crm: crm.projects.get_project_tasks("CRM1", status="todo"), "projects/CRM1/tasks", Task),
        (lambda crm: crm.users.get_user_tasks("CRM1", status="todo"), "users/CRM1/tasks", Task),
        (lambda crm: crm.users.get_user_projects("CRM1", status="todo"), "users/CRM1/projects", Project),
        (lambda crm: crm.clients.get_client_projects("CRM1", status="todo"), "clients/CRM1/projects", Project),
    ],
)
def test_what_belongs_to_a_record_is_listed(canned, line, ask, path, kind):
    query = [matchers.query_param_matcher({"status": "todo", "page": "1", "per_page": "20"})]
    line.get(f"{API}/{path}", json=page({**PROJECT, **TASK}), match=query)

    (found,) = ask(canned)

    assert isinstance(found, kind)


def test_the_comments_on_a_record_are_listed(canned, line):
    query = {"entity_type": "task", "entity_id": "CRM5", "page": "1", "per_page": "20"}
    said = {"crm_id": "CRM7", "content": "Done.", "entity_type": "task", "entity_id": "CRM5"}
    line.get(f"{API}/comments", json=page(said), match=[matchers.query_param_matcher(query)])

    assert list(canned.comments.get_entity_comments("task", "CRM5")) == [
        Comment(id="CRM7", content="Done.", entity_type="task", entity_id="CRM5")
    ]


@pytest.mark.parametrize(
    ("act", "path", "sent"),
    [
        (lambda tasks: tasks.assign_task("CRM2", "CRM3"), "assign", {"assignee_id": "CRM3"}),
        (lambda tasks: tasks.assign_task("CRM2", None), "assign", {"assignee_id": None}),
        (lambda tasks: tasks.update_status("CRM2", "completed"), "status", {"status": "completed"}),
    ],
)
def test_a_task_is_assigned_and_moved_on_by_calls_of_their_own(canned, line, act, path, sent):
    line.patch(f"{API}/tasks/CRM2/{path}", status=503)
    line.patch(f"{API}/tasks/CRM2/{path}", json=TASK)

    assert act(canned.tasks).id == "CRM2"
    assert body(line) == sent
    assert len({call.request.headers["Idempotency-Key"] for call in line.calls}) == 1


def test_an_answer_that_speaks_of_another_task_is_not_believed(once, line):
    line.patch(f"{API}/tasks/CRM2/assign", json=TASK | {"crm_id": "CRM3"})
    with pytest.raises(OutcomeUnknown):
        once.tasks.assign_task("CRM2", "CRM4")


def test_users_are_created_read_changed_listed_and_deleted_in_the_mock_crm(client, crm):
    made = client.users.create(User(name="Ann Example", email="ann@example.com"))
    made.phone = "123-456-7890"
    changed = client.users.update(made.id, made)
    stale = client.users.get_by_id(made.id)
    client.users.update(made.id, {"phone": "123-456-7891"})
    stale.name = "Ann"
    with pytest.raises(Conflict):
        client.users.update(made.id, stale)

    assert (changed.phone, changed.version) == ("123-456-7890", made.version + 1)
    assert [user.id for user in client.users.iterate()] == [made.id]
    client.users.delete(made.id)
    assert crm.all() == []
