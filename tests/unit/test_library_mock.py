"""Every endpoint against the mock CRM: what the library asks for is what a CRM of this contract serves."""

import pytest

from app.crm import CalendarEvent, Client, Comment, Conflict, Contact, Interaction, Project, Task, User

ANN = {"name": "Ann Example", "email": "ann@example.com"}


@pytest.fixture
def client_id(client):
    return client.clients.create(Client(name="Innovative Tech")).id


@pytest.fixture
def project(client, client_id):
    return client.projects.create(Project(name="Relaunch", client_id=client_id, due_date="2026-06-30"))


@pytest.fixture
def task(client, project):
    return client.tasks.create(Task(title="Call about the offer", project_id=project.id))


def one_of_each(client_id):
    return {
        "users": User(name="Bob Example", email="bob@example.com", phone="123-456-7890"),
        "contacts": Contact(acme_first_name="Jane", acme_last_name="Smith", acme_tags=["customer"], acme_address={}),
        "clients": Client(name="Other Tech", first_contact="2026-01-15"),
        "interactions": Interaction(client_id=client_id, channel="call", occurred_at="2026-01-20T09:30:00Z"),
        "projects": Project(name="Relaunch", due_date="2026-06-30"),
        "tasks": Task(title="Call", completed_at="2026-02-02T16:00:00Z"),
        "comments": Comment(content="Done.", entity_type="client", entity_id=client_id),
        "calendar_events": CalendarEvent(
            title="Weekly call",
            starts_at="2026-03-02T09:00:00Z",
            all_day=False,
            recurrence_count=10,
            recurrence_exceptions=["2026-04-06"],
            client_id=client_id,
        ),
    }


@pytest.mark.parametrize("name", one_of_each(""))
def test_a_record_of_each_resource_is_created_read_listed_changed_and_deleted(client, client_id, name):
    endpoint, record = getattr(client, name), one_of_each(client_id)[name]

    made = endpoint.create(record)

    assert made.written() == made.written() | record.given()
    assert endpoint.get_by_id(made.id) == made
    assert made in list(endpoint.iterate(per_page=1))
    assert endpoint.update(made.id, record).id == made.id
    endpoint.delete(made.id)
    assert made.id not in [one.id for one in endpoint.iterate()]


def test_a_listing_is_filtered_and_paged(client, client_id):
    made = [client.projects.create(Project(name=f"P{n}", client_id=client_id, status="planned")) for n in range(3)]
    client.projects.create(Project(name="Other", status="planned"))

    found = client.projects.get_all(status="planned", client_id=client_id, page=2, per_page=2)

    assert (found.page, found.per_page, found.total, found.pages) == (2, 2, 3, 2)
    everything = client.projects.iterate(client_id=client_id, per_page=2)
    assert {one.id for one in everything} == {one.id for one in made}


def test_a_record_that_staff_changed_meanwhile_is_not_overwritten(client, project):
    client.projects.update(project.id, {"priority": "low"})
    project.status = "completed"
    with pytest.raises(Conflict) as caught:
        client.projects.update(project.id, project)

    assert caught.value.advice == "Fetch it again and repeat the change."


def test_a_task_is_assigned_and_moved_on(client, task):
    user = client.users.create(User(**ANN))

    assert client.tasks.assign_task(task.id, user.id).assignee_id == user.id
    assert client.tasks.update_status(task.id, "in_progress").status == "in-progress"
    assert [one.id for one in client.tasks.get_all(status="in_progress")] == [task.id]
    assert [one.id for one in client.users.get_user_tasks(user.id)] == [task.id]
    assert client.tasks.assign_task(task.id, None).assignee_id is None


def test_what_belongs_to_a_record_is_found(client, client_id, project, task):
    user = client.users.create(User(**ANN))
    client.projects.update(project.id, {"owner_id": user.id})

    assert [one.id for one in client.projects.get_project_tasks(project.id)] == [task.id]
    assert client.projects.get_project_tasks(project.id, status="completed").total == 0
    assert [one.id for one in client.users.get_user_projects(user.id)] == [project.id]
    assert [one.id for one in client.clients.get_client_projects(client_id)] == [project.id]


def test_the_comments_on_one_record_are_found(client, project, task):
    said = client.comments.create(Comment(content="Done.", entity_type="task", entity_id=task.id))
    client.comments.create(Comment(content="Begun.", entity_type="project", entity_id=project.id))

    assert list(client.comments.get_entity_comments("task", task.id)) == [said]
