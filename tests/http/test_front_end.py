"""The front end's dialect at /api: the same API in camelCase, inside an envelope, for every declared resource."""

import pytest

from app.resources import REGISTRY

JOHN = {
    "firstName": "John", "lastName": "Doe", "email": "john.doe@example.com", "phone": "555-123-4567",
    "company": "Acme Inc", "title": "Software Engineer", "source": "acmecrm", "sourceId": "contact-1",
}  # fmt: skip
JANE = {
    "firstName": "Jane", "lastName": "Smith", "email": "jane.smith@example.com", "phone": "555-987-6543",
    "company": "Tech Corp", "title": "Product Manager", "source": "acmecrm", "sourceId": "contact-2",
}  # fmt: skip
NEW = {"status": "active", "tags": [], "customFields": {}, "address": {}, "version": 1}
NOBODY = "00000000-0000-4000-8000-000000000000"
URL = "/api/contacts"


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


def _has(shown, documented):
    assert {name: shown[name] for name in documented} == documented


def _refused(answer, status, code):
    body = answer.json
    assert (answer.status_code, answer.mimetype, body["success"], body["code"]) == (
        status, "application/json", False, code,
    ), body  # fmt: skip
    assert body["requestId"] == answer.headers["X-Request-Id"]
    assert isinstance(body["error"], str)
    assert "data" not in body
    return body


# ── the calls as the front end's documentation has them ──────────────────────────────────────────────────────────


def test_a_contact_is_created_as_documented(client):
    answer = client.post(URL, json=JOHN, headers={"Authorization": "Bearer eyJhbGciOiJIUzI1NiJ9.e30.x"})

    assert answer.status_code == 201
    assert answer.json["success"] is True
    _has(answer.json["data"], JOHN | NEW)
    assert answer.json["data"]["createdAt"] == answer.json["data"]["updatedAt"]
    assert answer.headers["Location"] == f"{URL}/{answer.json['data']['id']}"


def test_a_contact_is_edited_as_documented(client, clock, contact, one):
    clock.pass_(seconds=2)

    answer = client.patch(one, json={"lastName": "Smith-Jones", "title": "Senior Product Manager", "version": 1})

    assert answer.status_code == 200
    edited = {"lastName": "Smith-Jones", "title": "Senior Product Manager", "notes": "", "version": 2}
    _has(answer.json["data"], JANE | NEW | edited | {"id": contact["id"], "createdAt": contact["createdAt"]})
    assert answer.json["data"]["updatedAt"] > contact["updatedAt"]


def test_a_contact_is_deleted_as_documented(client, contact, one):
    answer = client.delete(one)

    assert answer.status_code == 200
    _has(answer.json, {"message": "Contact deleted successfully", "id": contact["id"], "success": True})
    _refused(client.get(one), 404, "not_found")


def test_contacts_are_listed_page_by_page(client, contact):
    client.post(URL, json=JOHN)

    body = client.get(f"{URL}/?page=2&itemsPerPage=1&sort=lastName").json

    assert body["success"] is True
    assert body["data"] == [contact]
    _has(body["pagination"], {"currentPage": 2, "totalPages": 2, "totalItems": 2, "itemsPerPage": 1})


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
    assert client.get("/api").mimetype == "application/problem+json"


def test_a_record_is_read_only_when_it_has_changed(client, one):
    tag = client.get(one).headers["ETag"]

    answer = client.get(one, headers={"If-None-Match": tag})

    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", tag)


@pytest.mark.parametrize("stale", [{"json": {"title": "A", "version": 7}}, {"headers": {"If-Match": '"7-0"'}}])
def test_a_stale_version_is_refused(client, one, stale):
    answer = client.patch(one, **({"json": {"title": "A"}} | stale))

    assert _refused(answer, 412, "stale")["error"] == "The contact is at version 1, not 7."


def test_if_match_guards_an_edit(client, one):
    tag = client.get(one).headers["ETag"]

    assert client.patch(one, json={"firstName": "Ann"}, headers={"If-Match": tag}).status_code == 200
    assert client.patch(one, json={"firstName": "Bea"}, headers={"If-Match": tag}).status_code == 412


def test_a_record_is_replaced(client, one):
    body = client.put(one, json={"firstName": "Ann", "lastName": "Lee", "customFields": {"a_b": 1}}).json

    _has(body["data"], {"firstName": "Ann", "sourceId": None, "customFields": {"a_b": 1}})


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
    _has(made.json["data"], {"clientId": owner, "status": "in-progress", "addToCalendar": False})
    assert made.headers["Location"] == f"/api/tasks/{made.json['data']['id']}"
    assert client.get(f"/api/clients/{owner}/tasks").json["pagination"]["totalItems"] == 1
    wrong = client.patch(f"/api/tasks/{made.json['data']['id']}/assign", json={"dueDate": "2026-02-03"})
    assert set(_refused(wrong, 400, "invalid")["errors"]) == {"assigneeId", "dueDate"}


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────

FREE = {"shirt_size": "M", "shirtSize": "L", "last_updated": {"inner_name": [{"a_b": 1}]}}


def test_names_inside_free_values_are_the_callers(client, one):
    body = client.patch(one, json={"customFields": FREE, "address": {"zip_code": "1"}}).json

    _has(body["data"], {"customFields": FREE, "address": {"zip_code": "1"}})
    assert client.get(URL).json["data"][0]["customFields"] == FREE
    entry, *_ = [entry for entry in client.get(f"{one}/changes").json["data"] if entry["field"] == "customFields"]
    assert (entry["from"], entry["to"]) == ({}, FREE)
    assert "runId" in entry
    explained = client.get(f"{one}/explain").json["data"]["fields"]["customFields"]
    assert explained["value"] == FREE
    assert {"setBy", "setAt"} <= set(explained)


def test_what_a_run_would_do_is_in_the_front_ends_names(client, contact, one):
    client.patch(one, json={"customFields": FREE})

    body = client.get("/api/sync/plan?direction=push&resource=contacts").json

    assert body["success"] is True
    (write,) = body["data"]["writes"]
    assert write["recordId"] == contact["id"]
    assert write["fields"]["customFields"]["to"] == FREE
    assert write["fields"]["firstName"]["to"] == "Jane"


def test_the_status_of_the_sync_is_in_the_front_ends_names(client, contact):
    shown = client.get("/api/sync/status").json["data"]

    assert shown["crm"]["rateLimit"]["resetsIn"] is None
    assert shown["resources"]["calendar-events"]["conflictsOpen"] == 0
    assert shown["resources"]["contacts"]["records"] == {"pending": 1}


def test_a_rule_is_made_and_dropped_under_the_front_ends_name(client):
    rule = "/api/sync/rules/contacts.firstName"

    made = client.put(rule, json={"policy": "local_wins"})

    _has(made.json["data"], {"field": "contacts.firstName", "policy": "local_wins"})
    assert client.get("/sync/rules").json["data"][0]["field"] == "contacts.first_name"
    _has(client.delete(rule).json, {"success": True, "id": "contacts.firstName"})
    assert client.get("/api/sync/rules").json == {"success": True, "data": []}


def test_conflicts_are_chosen_by_the_front_ends_names(client):
    for answer in (
        client.get("/api/sync/conflicts?field=firstName&recordId=x&perPage=5"),
        client.post("/api/sync/conflicts/resolve", json={"use": "crm", "field": "firstName", "recordId": "x"}),
    ):
        assert answer.status_code == 200, answer.json
    assert client.get("/api/sync/conflicts?itemsPerPage=5").json["pagination"]["itemsPerPage"] == 5


def test_a_batch_is_answered_record_by_record(client):
    items = [JANE, {"firstName": "Bo", "last_name": "Y"}, {"firstName": "Bo", "lastName": "Y", "updatedAt": "x"}]

    body = client.post(f"{URL}/batch", json={"items": items}).json

    assert body["success"] is False
    assert isinstance(body["error"], str)
    stored, unknown, ours = body["data"]["results"]
    _has(stored["record"], JANE)
    assert unknown["errors"] == {
        "last_name": ["Unknown field."], "lastName": ["Missing data for required field."],
    }  # fmt: skip
    assert ours["errors"] == {"updatedAt": ["Is set by the service; leave it out."]}
    assert "last_updated" not in ours["detail"]


def test_a_batch_that_is_all_or_nothing_names_the_items(client):
    body = client.post(f"{URL}/batch", json={"atomic": True, "items": [JANE, {"firstName": 1, "updatedAt": 1}]})

    refused = _refused(body, 400, "invalid")
    assert set(refused["errors"]) == {"items[1].firstName", "items[1].lastName", "items[1].updatedAt"}
    assert "items[1].firstName: Not a valid string." in refused["error"]


def test_many_records_are_edited_at_once(client, contact):
    body = client.patch(URL, json={"ids": [contact["id"]], "set": {"sourceId": "x"}}).json

    assert (body["success"], body["data"]["updated"]) == (True, 1)
    assert body["data"]["results"][0]["record"]["sourceId"] == "x"


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["first_name", "FirstName", "first__name", "lastUpdated", "source_id", "_", "a_B9_c"])
def test_an_unknown_name_is_refused_as_it_was_spelled(client, one, name):
    refused = _refused(client.patch(one, json={name: "x"}), 400, "invalid")

    assert refused["errors"] == {name: ["Unknown field."]}
    assert refused["error"] == f"{name}: Unknown field."


@pytest.mark.parametrize(
    ("query", "name"),
    [("per_page=5", "per_page"), ("itemsPerPage=0", "itemsPerPage"), ("perPage=0", "perPage"),
     ("itemsPerPage=1&perPage=2", "itemsPerPage"), ("search=%01", "search"), ("q=%01", "q"), ("syncStatus=x", "syncStatus"),
     ("sort=-last_updated", "sort"), ("updatedSince=x", "updatedSince"), ("First%20Name=x", "First Name")],
)  # fmt: skip
def test_a_parameter_is_refused_as_it_was_spelled(client, query, name):
    refused = _refused(client.get(f"{URL}?{query}"), 400, "invalid")

    assert set(refused["errors"]) == {name}
    assert refused["error"].startswith(f"{name}: ")


def test_messages_speak_of_fields_by_the_front_ends_names(client):
    wrong = client.post(URL, json={"email": "no"})
    sort = client.get(f"{URL}?sort=x")

    assert _refused(wrong, 400, "invalid")["error"].startswith("firstName: Missing data for required field. lastName: ")
    (message,) = _refused(sort, 400, "invalid")["errors"]["sort"]
    assert {"updatedAt", "-createdAt", "firstName"} <= set(message.removesuffix(".").split(": ")[1].split(", "))


def test_errors_of_every_kind_are_in_the_envelope(client, contact, one):
    _refused(client.get("/api/nothing"), 404, "not_found")
    _refused(client.get("/api/"), 404, "not_found")
    _refused(client.get(f"{URL}/{NOBODY}"), 404, "not_found")
    wrong_method = client.put(URL, json={})
    _refused(wrong_method, 405, "method_not_allowed")
    assert "POST" in wrong_method.headers["Allow"]
    taken = _refused(client.post(URL, json=JOHN | {"email": contact["email"]}), 409, "taken")
    assert set(taken["errors"]) == {"email"}
    _refused(client.post(URL, data="firstName=A"), 415, "unsupported_media_type")
    _refused(
        client.post(URL, data=b'{"a": "' + b"x" * 2**20 + b'"}', content_type="application/json"),
        413,
        "request_entity_too_large",
    )
    _refused(client.post(URL, data=b'{"a": 1, "a": 2}', content_type="application/json"), 400, "invalid")


def test_what_is_not_for_the_front_end_is_as_it_is_elsewhere(client):
    assert client.get("/api/healthz").json == {"status": "ok"}
    assert client.get("/api/docs").mimetype == "text/html"
    delivery = {"crm_id": "C1", "resource": "contacts", "updated_fields": {}, "timestamp": "2026-01-01T00:00:00Z"}
    assert client.post("/api/webhook", json=delivery).json["outcome"] == "parked"
    assert client.post("/api/webhook", json={"crmId": "C1"}).mimetype == "application/problem+json"
