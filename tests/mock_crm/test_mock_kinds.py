"""Kinds of fields: what is refused, what is kept, and references to other records."""

import pytest

from tests.support.crm_records import maker


@pytest.fixture
def make(crm):
    return maker(crm)


def deep(levels):
    return {"a": deep(levels - 1)} if levels else {}


@pytest.mark.parametrize(
    ("resource", "field", "wrong"),
    [
        ("contacts", "acme_notes", [5, "x" * 1_000_001]),
        ("contacts", "acme_status", ["active", "", "Gone", 1, [], {}, True]),
        ("tasks", "status", ["in_progress", "Todo", "done"]),
        ("clients", "first_contact", ["", "2026-02-30", "2026-1-1", "20260101", "2026-01-01T00:00:00Z", 20260101, {}]),
        ("tasks", "completed_at", ["", "2026-01-01", "2026-01-01T09:00:00", "20260101T090000Z", "9", 9, ["x"]]),
        (
            "tasks",
            "completed_at",
            [
                "2026-01-01T25:00:00Z",
                "0001-01-01T00:00:00+23:59",
                "2026-01-01 09:00:00Z",
                "2026-W01-1T09:00:00Z",
                "2026-01-01T09:00Z",
            ],
        ),
        ("calendar-events", "all_day", ["true", 1, 0, "", [], {}]),
        ("calendar-events", "recurrence_count", [0, 1001, "10", 10.0, True, [], 10**30]),
        ("calendar-events", "recurrence_exceptions", ["2026-01-01", {}, ["2026-02-30"], ["2026-01-01", None], [[]]]),
        ("contacts", "acme_tags", ["one", {}, [""], [" "], [1], ["x" * 101], [["a"]], ["x"] * 101]),
        ("contacts", "acme_address", ["1 Main St", [], 5, True]),
        ("contacts", "acme_custom_fields", ["", [], 5, {"a": "x" * 16_000}, deep(102), {"a": [deep(101)]}]),
        ("tasks", "project_id", ["", 1001, [], {}, True, "CRM1", "CRM", "1001", "CRM1001'"]),
    ],
)
def test_what_is_none_of_its_kind_is_refused(crm, make, *, resource, field, wrong):
    place = f"/crm/{resource}/{make(resource)}"
    for value in wrong:
        answer = crm.patch(place, json={field: value})
        assert (answer.status_code, list(answer.json["errors"])) == (400, [field]), value
    assert crm.get(place).json["version"] == 1


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2026-03-02T09:00:00Z", "2026-03-02T09:00:00.000Z"),
        ("2026-03-02t10:30:00.1239+01:30", "2026-03-02T09:00:00.123Z"),
        ("2024-02-29T23:59:59-00:00", "2024-02-29T23:59:59.000Z"),
    ],
)
def test_a_time_is_kept_in_utc(crm, make, sent, kept):
    crm_id = make("tasks", completed_at=sent)
    assert crm.get(f"/crm/tasks/{crm_id}").json["completed_at"] == kept


def test_an_address_may_be_empty_in_its_own_way(crm, make):
    for address in ("", {}, None, {"street": "1 Main St", "lines": [1, [2]]}, deep(99)):
        crm_id = make("contacts", acme_address=address)
        assert crm.get(f"/crm/contacts/{crm_id}").json["acme_address"] == address


def test_every_wrong_field_is_named_references_too(crm):
    wrong = {"title": " ", "priority": "urgent", "due_date": "soon", "project_id": "CRM7", "assignee_id": 7}
    answer = crm.post("/crm/tasks", json=wrong)
    assert (answer.status_code, set(answer.json["errors"])) == (400, set(wrong))
    assert "one of the projects" in answer.json["message"]
    (item,) = crm.post("/crm/tasks/batch", json={"items": [wrong]}).json["results"]
    assert (item["status"], set(item["errors"])) == (400, set(wrong))


def test_a_reference_names_a_record_of_its_resource(crm, make):
    user, client = make("users"), make("clients")
    assert set(crm.post("/crm/projects", json={"name": "A", "client_id": user}).json["errors"]) == {"client_id"}
    assert crm.post("/crm/projects", json={"name": "A", "client_id": client, "owner_id": user}).status_code == 201
    assert crm.post("/crm/projects", json={"name": "A", "client_id": None}).status_code == 201


def test_a_reference_to_a_deleted_record_is_kept(crm, make):
    client = make("clients")
    project = make("projects", client_id=client)
    crm.delete(f"/crm/clients/{client}")
    assert crm.get(f"/crm/projects/{project}").json["client_id"] == client
    assert make("projects", client_id=client)


@pytest.mark.parametrize("word", ["project", "task", "client", "contact", "user"])
def test_a_comment_is_about_what_its_word_says(crm, make, word):
    about = make(f"{word}s")
    other = make("users") if word != "user" else make("tasks")
    place = f"/crm/comments/{make('comments', entity_type=word, entity_id=about)}"
    assert crm.patch(place, json={"entity_id": other}).json["errors"].keys() == {"entity_id"}
    assert crm.patch(place, json={"entity_type": "project" if word != "project" else "task"}).status_code == 400
    assert crm.patch(place, json={"content": "Other"}).status_code == 200
    (item,) = crm.post(
        "/crm/comments/batch", json={"items": [{"crm_id": place.rpartition("/")[2], "entity_id": other}]}
    ).json["results"]
    assert (item["status"], set(item["errors"])) == (400, {"entity_id"})


def test_a_comment_moves_to_another_record_when_both_fields_say_so(crm, make):
    place = f"/crm/comments/{make('comments')}"
    answer = crm.patch(place, json={"entity_type": "task", "entity_id": make("tasks")})
    assert (answer.status_code, answer.json["entity_type"]) == (200, "task")
    for wrong in ({"entity_type": "deal"}, {"entity_type": "deal", "entity_id": make("users")}):
        assert set(crm.patch(place, json=wrong).json["errors"]) == {"entity_type"}


def test_an_unknown_record_is_not_found_when_its_draft_is_good(crm):
    assert crm.patch("/crm/tasks/CRM7", json={"status": "wild"}).status_code == 400
    assert crm.patch("/crm/tasks/CRM7", json={"status": "todo"}).status_code == 404
