"""The page's forms for every resource: what a record looks like in one, and what comes back from it."""

import pytest

from mock_crm.resources import RESOURCES
from tests.support.crm_records import maker, minimal, whole
from tests.support.html_forms import fields_of

HERE = {"Origin": "http://localhost"}
each_resource = pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each.name)


@pytest.fixture
def make(crm):
    return maker(crm)


def shown(crm, path):
    texts, _ = fields_of(crm.get(path).text)
    return texts


@each_resource
def test_an_untouched_form_changes_nothing(crm, make, resource):
    for body in (minimal(resource, make), whole(resource, make)):
        crm_id = crm.post(f"/crm/{resource.name}", json=body).json["crm_id"]
        place = f"/records/{resource.name}/{crm_id}"
        assert crm.post(place, data=shown(crm, place), headers=HERE).status_code == 303
        assert crm.get(f"/crm/{resource.name}/{crm_id}").json["version"] == 1


@each_resource
def test_what_one_form_shows_another_one_makes(crm, make, resource):
    body = whole(resource, make)
    first = crm.post(f"/crm/{resource.name}", json=body).json["crm_id"]
    texts = shown(crm, f"/records/{resource.name}/{first}")
    assert crm.post(f"/records/{resource.name}/new", data=texts, headers=HERE).status_code == 303
    made = crm.get(f"/crm/{resource.name}").json["items"][-1]
    assert made["crm_id"] != first
    assert {name: made[name] for name in body} == body


@each_resource
def test_a_blank_form_makes_what_a_short_call_makes(crm, make, resource):
    needed = minimal(resource, make)
    texts = shown(crm, f"/records/{resource.name}/new") | needed
    assert crm.post(f"/records/{resource.name}/new", data=texts, headers=HERE).status_code == 303
    made = crm.get(f"/crm/{resource.name}").json["items"][-1]
    assert {each.name: made[each.name] for each in resource.fields} == {**resource.defaults, **needed}


def test_an_empty_form_says_what_must_not_be_blank(crm):
    answer = crm.post("/records/tasks/new", data={"title": ""}, headers=HERE)
    assert (answer.status_code, "Title must not be blank." in answer.text) == (400, True)


@each_resource
def test_an_emptied_form_leaves_nothing_but_what_is_needed(crm, make, resource):
    crm_id = crm.post(f"/crm/{resource.name}", json=whole(resource, make)).json["crm_id"]
    place = f"/records/{resource.name}/{crm_id}"
    empty = shown(crm, place) | {each.name: "" for each in resource.fields if not each.required}
    assert crm.post(place, data=empty, headers=HERE).status_code == 303
    record = crm.get(f"/crm/{resource.name}/{crm_id}").json
    assert all(record[each.name] in (None, "", [], {}) for each in resource.fields if not each.required)


@each_resource
def test_every_resource_has_its_tab_its_table_and_an_input_for_each_field(crm, make, resource):
    crm_id = make(resource.name)
    page = crm.get(f"/records/{resource.name}").text
    assert all(f'href="/records/{each.name}"' in page for each in RESOURCES)
    assert f'href="/records/{resource.name}/{crm_id}"' in page
    _, kinds = fields_of(crm.get(f"/records/{resource.name}/new").text)
    assert kinds == {each.name: each.kind.widget for each in resource.fields}
    assert page.count("<th>") <= 9


def test_every_kind_of_input_is_in_use():
    used = {each.kind.widget for resource in RESOURCES for each in resource.fields}
    assert used == {"text", "email", "tel", "textarea", "select", "date", "datetime-local", "number"}


def test_what_was_typed_stays_beside_what_is_wrong_with_it(crm, make):
    place = f"/records/contacts/{make('contacts')}"
    typed = {"acme_address": "{<oops", "acme_tags": "a\r\n" + "x" * 101, "acme_custom_fields": "[1]"}
    answer = crm.post(place, data=shown(crm, place) | typed, headers=HERE)
    assert answer.status_code == 400
    assert answer.text.count("aria-invalid") == 3 + 1  # the rule for its look is the one more
    assert "Address must be an object." in answer.text
    assert fields_of(answer.text)[0] | typed == fields_of(answer.text)[0]


@pytest.mark.parametrize(
    ("resource", "typed"),
    [
        ("tasks", {"due_date": "soon", "completed_at": "9 o'clock", "status": "wild", "project_id": "CRM7"}),
        ("calendar-events", {"recurrence_count": "ten", "all_day": "maybe", "recurrence_exceptions": "soon"}),
        ("calendar-events", {"recurrence_count": "9" * 5000, "starts_at": ""}),
    ],
)
def test_what_cannot_be_read_is_refused(crm, make, resource, typed):
    crm_id = make(resource)
    place = f"/records/{resource}/{crm_id}"
    answer = crm.post(place, data=shown(crm, place) | typed, headers=HERE)
    assert (answer.status_code, answer.text.count('class="error"')) == (400, len(typed))
    assert crm.get(f"/crm/{resource}/{crm_id}").json["version"] == 1


def test_a_form_says_times_in_utc_and_lists_line_by_line(crm, make):
    crm_id = make("calendar-events", starts_at="2026-03-02T10:00:00+01:00")
    place = f"/records/calendar-events/{crm_id}"
    texts = shown(crm, place)
    assert texts["starts_at"] == "2026-03-02T09:00:00"
    more = {
        "starts_at": "2026-03-02T09:15",
        "recurrence_exceptions": " 2026-04-06 \r\n\r\n2026-04-13",
        "all_day": "true",
    }
    crm.post(place, data=texts | more, headers=HERE)
    record = crm.get(f"/crm/calendar-events/{crm_id}").json
    assert (record["starts_at"], record["all_day"]) == ("2026-03-02T09:15:00.000Z", True)
    assert record["recurrence_exceptions"] == ["2026-04-06", "2026-04-13"]


def test_a_reference_is_a_link_to_the_record(crm, make):
    client = make("clients")
    project = make("projects", client_id=client)
    comment = make("comments", entity_type="project", entity_id=project)
    for place in ("/records/projects", f"/records/projects/{project}"):
        assert f'<a href="/records/clients/{client}">' in crm.get(place).text
    assert f'<a href="/records/projects/{project}">' in crm.get(f"/records/comments/{comment}").text


def test_a_form_that_is_out_of_date_says_what_the_record_says_now(crm, make):
    crm_id = make("contacts")
    place = f"/records/contacts/{crm_id}"
    texts = shown(crm, place)
    crm.patch(f"/crm/contacts/{crm_id}", json={"acme_tags": ["fair"], "acme_status": "Inactive"})
    answer = crm.post(place, data=texts, headers=HERE)
    assert answer.status_code == 412
    assert "Now in the CRM: fair" in answer.text
    assert "Now in the CRM: Inactive" in answer.text
    assert answer.text.count("Now in the CRM") == 2


@pytest.mark.parametrize(
    ("text", "is_found"),
    [
        ("springfield", True),
        ("newsletter", True),
        ("attic", True),
        ("42", True),
        ("street", False),
        ("[", False),
        ("true", False),
        ('"', False),
        ("acme", False),
    ],
)
def test_a_search_looks_inside_lists_and_objects_but_not_at_their_names(crm, make, text, is_found):
    address = {"street": "1 Main St", "city": "Springfield", "floors": [["Attic"], {"no": 42}], "own": True}
    crm_id = make("contacts", acme_address=address, acme_tags=["newsletter"])
    assert (crm_id in crm.get("/records/contacts", query_string={"q": text}).text) == is_found


def test_a_record_from_before_a_field_was_declared_is_shown(crm, make, mock_app):
    crm_id = make("clients")
    with mock_app.extensions["mock_crm"].store.writing() as db:
        db.execute("UPDATE records SET fields = json_remove(fields, '$.lead', '$.status')")
    place = f"/records/clients/{crm_id}"
    assert crm.get("/records/clients").status_code == 200
    assert crm.post(place, data=shown(crm, place), headers=HERE).status_code == 303
