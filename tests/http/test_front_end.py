"""The front end's dialect at /api: the same API in camelCase, inside an envelope, for every declared resource."""

import pytest

from app.resources import REGISTRY
from tests.support.front_end import JANE, JOHN, NEW, URL, has, refused


@pytest.fixture
def registry():
    return REGISTRY


@pytest.fixture
def settings():
    return {"SYNC_MODE": "worker"}


@pytest.fixture
def contact(client):
    return client.post(URL, json=JANE).json["data"]


@pytest.fixture
def one(contact):
    return f"{URL}/{contact['id']}"


# ── the calls as the front end's documentation has them ──────────────────────────────────────────────────────────


def test_a_contact_is_created_as_documented(client):
    answer = client.post(URL, json=JOHN, headers={"Authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x"})

    assert answer.status_code == 201
    assert answer.json["success"] is True
    has(answer.json["data"], JOHN | NEW)
    assert answer.json["data"]["createdAt"] == answer.json["data"]["updatedAt"]
    assert answer.headers["Location"] == f"{URL}/{answer.json['data']['id']}"


def test_a_contact_is_edited_as_documented(client, clock, contact, one):
    clock.pass_(seconds=2)

    answer = client.patch(one, json={"lastName": "Smith-Jones", "title": "Senior Product Manager", "version": 1})

    assert answer.status_code == 200
    edited = {"lastName": "Smith-Jones", "title": "Senior Product Manager", "notes": "", "version": 2}
    has(answer.json["data"], JANE | NEW | edited | {"id": contact["id"], "createdAt": contact["createdAt"]})
    assert answer.json["data"]["updatedAt"] > contact["updatedAt"]


def test_a_contact_is_deleted_as_documented(client, contact, one):
    answer = client.delete(one)

    assert answer.status_code == 200
    has(answer.json, {"message": "Contact deleted successfully", "id": contact["id"], "success": True})
    refused(client.get(one), 404, "not_found")


def test_contacts_are_listed_page_by_page(client, contact):
    client.post(URL, json=JOHN)

    body = client.get(f"{URL}/?page=2&itemsPerPage=1&sort=lastName").json

    assert body["success"] is True
    assert body["data"] == [contact]
    has(body["pagination"], {"currentPage": 2, "totalPages": 2, "totalItems": 2, "itemsPerPage": 1})


def test_clients_are_filtered_and_searched(client):
    for name, lead in (("Innovative Tech", "hot"), ("Slow Tech", "cold"), ("Tall Trees", "hot")):
        given = {"name": name, "lead": lead, "dateOfNextContact": "2026-02-03"}
        assert client.post("/api/clients/", json=given).status_code == 201

    for path in ("/api/clients/", "/api/clients", "/api/clients/search"):
        found = client.get(path, query_string={"lead": "hot", "search": "tech"}).json["data"]
        assert [(one["name"], one["dateOfNextContact"]) for one in found] == [("Innovative Tech", "2026-02-03")]


# ── the same API ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_the_record_that_the_api_shows(client, contact):
    plain = client.get(f"/contacts/{contact['id']}").json

    renamed = {
        "firstName": "first_name", "lastName": "last_name", "customFields": "custom_fields", "sourceId": "source_id",
        "syncStatus": "sync_status", "syncError": "sync_error", "crmId": "crm_id", "createdAt": "created_at",
        "updatedAt": "last_updated",
    }  # fmt: skip
    assert {renamed.get(name, name): value for name, value in contact.items()} == plain


def test_the_versioned_api_is_not_touched(client, contact):
    assert client.get(f"/api/v1/contacts/{contact['id']}").json["first_name"] == "Jane"
    assert client.get("/api/v1/nothing").mimetype == "application/problem+json"
    for nowhere in ("/api", "/api/api/v1/contacts", "/api/api/contacts", "/apis/contacts"):
        assert client.get(nowhere).mimetype == "application/problem+json"


def test_a_record_is_read_only_when_it_has_changed(client, one):
    tag = client.get(one).headers["ETag"]

    answer = client.get(one, headers={"If-None-Match": tag})

    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", tag)


@pytest.mark.parametrize("stale", [{"json": {"title": "A", "version": 7}}, {"headers": {"If-Match": '"7-0"'}}])
def test_a_stale_version_isrefused(client, one, stale):
    answer = client.patch(one, **({"json": {"title": "A"}} | stale))

    assert refused(answer, 412, "stale")["error"] == "The contact is at version 1, not 7."


def test_if_match_guards_an_edit(client, one):
    tag = client.get(one).headers["ETag"]

    assert client.patch(one, json={"firstName": "Ann"}, headers={"If-Match": tag}).status_code == 200
    assert client.patch(one, json={"firstName": "Bea"}, headers={"If-Match": tag}).status_code == 412


def test_a_record_is_replaced(client, one):
    body = client.put(one, json={"firstName": "Ann", "lastName": "Lee", "customFields": {"a_b": 1}}).json

    has(body["data"], {"firstName": "Ann", "sourceId": None, "customFields": {"a_b": 1}})


def test_head_and_options_are_answered(client, one):
    whole, head, options = client.get(one), client.head(one), client.options(one)

    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == str(len(whole.data))
    assert {"GET", "PUT", "PATCH", "DELETE"} <= options.allow


def test_a_repeat_in_either_dialect_is_the_same_request(client):
    key = {"Idempotency-Key": "k"}
    first = client.post(URL, json={"firstName": "Ann", "lastName": "Lee"}, headers=key).json["data"]

    again = client.post("/contacts", json={"first_name": "Ann", "last_name": "Lee"}, headers=key)

    assert again.json["id"] == first["id"]
    assert again.headers["Idempotency-Replayed"] == "true"


def test_links_lead_on_in_the_dialect(client, contact):
    client.post(URL, json=JOHN)
    path, seen = f"{URL}/?itemsPerPage=1&sort=-updatedAt&search=555", []
    while path:
        answer = client.get(path)
        assert answer.status_code == 200, answer.json
        seen += [one["firstName"] for one in answer.json["data"]]
        path = _next(answer)
    assert seen == ["John", "Jane"]


def _next(answer):
    links = [one for one in answer.headers["Link"].split(", ") if 'rel="next"' in one]
    return links[0][1:].partition(">")[0] if links else None


def test_records_of_another_are_served_below_it(client):
    owner = client.post("/api/clients", json={"name": "Innovative Tech"}).json["data"]["id"]

    made = client.post(f"/api/clients/{owner}/tasks", json={"title": "Call", "status": "in-progress"})

    assert made.status_code == 201
    has(made.json["data"], {"clientId": owner, "status": "in-progress", "addToCalendar": False})
    assert made.headers["Location"] == f"/api/tasks/{made.json['data']['id']}"
    assert client.get(f"/api/clients/{owner}/tasks").json["pagination"]["totalItems"] == 1
    wrong = client.patch(f"/api/tasks/{made.json['data']['id']}/assign", json={"dueDate": "2026-02-03"})
    assert set(refused(wrong, 400, "invalid")["errors"]) == {"assigneeId", "dueDate"}
