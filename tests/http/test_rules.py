"""What follows from a change: completed tasks, events in the calendar, the contacts of a client, announced leads."""

import pytest

from app.resources import REGISTRY

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def registry():
    return REGISTRY


@pytest.fixture
def settings():
    return {"SYNC_MODE": "worker"}


@pytest.fixture
def make(client):
    def make(resource, **fields):
        answer = client.post(f"/{resource}", json=fields)
        assert answer.status_code == 201, answer.text
        return answer.json

    return make


@pytest.fixture
def edit(client):
    def edit(resource, record, **fields):
        answer = client.patch(f"/{resource}/{record['id']}", json=fields)
        assert answer.status_code == 200, answer.text
        return answer.json

    return edit


@pytest.fixture
def events(client):
    return lambda: client.get("/calendar-events?sort=title").json["data"]


def test_a_task_that_is_completed_says_when(make, edit):
    task = make("tasks", title="Call")
    assert (task["status"], task["completed_at"]) == ("todo", None)

    done = edit("tasks", task, status="completed")
    assert done["completed_at"] == done["last_updated"]
    assert edit("tasks", task, status="in_progress")["completed_at"] is None


def test_who_says_when_a_task_was_completed_is_believed(make, edit):
    when = "2026-02-02T16:00:00.000Z"
    assert make("tasks", title="Call", status="completed", completed_at=when)["completed_at"] == when
    assert edit("tasks", make("tasks", title="Call"), status="completed", completed_at=when)["completed_at"] == when


def test_a_task_with_a_due_date_is_put_into_the_calendar(make, events):
    client_id = make("clients", name="Innovative Tech")["id"]
    task = make("tasks", title="Call", due_date="2026-02-03", client_id=client_id, add_to_calendar=True)
    (event,) = events()
    assert event["title"] == "Call"
    assert (event["type"], event["all_day"], event["starts_at"]) == ("task", True, "2026-02-03T00:00:00.000Z")
    assert (event["task_id"], event["client_id"], event["sync_status"]) == (task["id"], client_id, "pending")


def test_a_task_without_a_wish_or_a_day_is_not_in_the_calendar(make, events):
    make("tasks", title="Call", due_date="2026-02-03")
    make("tasks", title="Call", add_to_calendar=True)
    assert events() == []


def test_a_task_that_gets_its_day_later_is_put_in_then_and_once(make, edit, events):
    task = make("tasks", title="Call", add_to_calendar=True)
    edit("tasks", task, due_date="2026-02-03")
    edit("tasks", task, description="About the offer.")
    assert len(events()) == 1


def test_the_event_of_a_task_follows_its_title_and_its_day(make, edit, events):
    task = make("tasks", title="Call", due_date="2026-02-03", add_to_calendar=True)
    edit("tasks", task, title="Call again", due_date="2026-02-05")
    (event,) = events()
    assert (event["title"], event["starts_at"], event["version"]) == ("Call again", "2026-02-05T00:00:00.000Z", 2)


def test_a_linked_event_keeps_what_somebody_gave_it(make, edit, events):
    task = make("tasks", title="Call", due_date="2026-02-03")
    make("calendar-events", title="Meeting", starts_at="2026-02-03T09:00:00Z", task_id=task["id"])
    edit("tasks", task, title="Call again", due_date="2026-02-05")
    (event,) = events()
    assert (event["title"], event["starts_at"], event["version"]) == ("Meeting", "2026-02-03T09:00:00.000Z", 1)


@pytest.mark.parametrize("change", [{"due_date": None}, {"add_to_calendar": False}])
def test_a_task_that_has_no_place_in_the_calendar_any_more_leaves_it(make, edit, events, change):
    task = make("tasks", title="Call", due_date="2026-02-03", add_to_calendar=True)
    edit("tasks", task, **change)
    assert events() == []


def test_a_deleted_task_takes_its_event_along(client, make, events):
    task = make("tasks", title="Call", due_date="2026-02-03", add_to_calendar=True)
    assert client.delete(f"/tasks/{task['id']}").status_code == 204
    assert events() == []


def test_an_interaction_moves_the_contacts_of_its_client(client, make):
    one = make("clients", name="Innovative Tech")["id"]
    said = {"occurred_at": "2026-01-20T09:30:00Z", "summary": "Asked for an offer.", "follow_up_action": "Send it.",
            "date_of_next_contact": "2026-02-03"}  # fmt: skip
    answer = client.post(f"/clients/{one}/interactions", json={**said, "channel": "call"})
    assert answer.status_code == 201
    found = client.get(f"/clients/{one}").json
    assert found["first_contact"] == found["date_of_last_contact"] == "2026-01-20"
    assert found["description_contact_more"] == "Asked for an offer."
    assert (found["follow_up_action"], found["date_of_next_contact"]) == ("Send it.", "2026-02-03")
    assert (found["version"], found["sync_status"]) == (2, "pending")


def test_an_older_interaction_moves_nothing_but_the_first_contact(client, make):
    one = make("clients", name="Innovative Tech")["id"]
    for day in ("2026-01-20", "2026-01-10"):
        client.post(f"/clients/{one}/interactions", json={"occurred_at": f"{day}T09:30:00Z", "summary": day})
    found = client.get(f"/clients/{one}").json
    assert (found["first_contact"], found["date_of_last_contact"]) == ("2026-01-10", "2026-01-20")
    assert found["description_contact_more"] == "2026-01-20"


def test_a_contact_that_was_planned_and_took_place_is_planned_no_more(client, make):
    one = make("clients", name="Tech", date_of_next_contact="2026-02-03", follow_up_action="Send it.")["id"]
    client.post(f"/clients/{one}/interactions", json={"occurred_at": "2026-02-03T10:00:00Z"})
    found = client.get(f"/clients/{one}").json
    assert (found["date_of_next_contact"], found["follow_up_action"]) == (None, None)


def test_the_history_of_a_client_is_listed_and_is_its_own(client, make):
    one, other = (make("clients", name=name)["id"] for name in ("One", "Other"))
    for number, whose in enumerate((one, other, one), 1):
        client.post(f"/clients/{whose}/interactions", json={"occurred_at": f"2026-01-0{number}T10:00:00Z"})
    found = client.get(f"/clients/{one}/interactions?sort=occurred_at").json
    assert [each["occurred_at"][:10] for each in found["data"]] == ["2026-01-01", "2026-01-03"]
    assert found["pagination"]["total"] == 2
    assert client.get(f"/clients/{NOBODY}/interactions").status_code == 404
    assert client.post(f"/clients/{NOBODY}/interactions", json={}).status_code == 404


def test_a_lead_that_changes_is_in_the_history_and_announced(client, make, edit, caplog):
    one = make("clients", name="Tech")
    edit("clients", one, lead="hot")
    (change, *_) = client.get(f"/clients/{one['id']}/changes").json["data"]
    assert (change["field"], change["from"], change["to"], change["by"]) == ("lead", "cold", "hot", "api")
    assert "'event': 'announced'" in caplog.text
    assert 'crm_sync_announced_total{field="lead",resource="clients"} 1.0' in client.get("/metrics").text


def test_what_follows_is_taken_back_by_nobody_when_the_edit_is_refused(client, make, events):
    task = make("tasks", title="Call", due_date="2026-02-03", add_to_calendar=True)
    answer = client.patch(f"/tasks/{task['id']}", json={"title": "Call again", "version": 7})
    assert answer.status_code == 412
    assert events()[0]["title"] == "Call"


def test_many_interactions_in_one_batch_move_each_client(client, make):
    ids = [make("clients", name=f"Client {number}")["id"] for number in range(3)]
    items = [{"client_id": one, "occurred_at": "2026-01-20T09:30:00Z"} for one in ids * 2]
    assert client.post("/interactions/batch", json={"items": items}).json["created"] == 6
    found = client.get("/clients").json["data"]
    assert {(each["date_of_last_contact"], each["version"]) for each in found} == {("2026-01-20", 2)}
