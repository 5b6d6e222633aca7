"""Names in the front end's dialect: in records, in what describes them, in refusals; those in free values are left alone."""

import pytest

from app.resources import REGISTRY
from tests.support.front_end import JANE, JOHN, NOBODY, URL, has, refused


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


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────

FREE = {"shirt_size": "M", "shirtSize": "L", "last_updated": {"inner_name": [{"a_b": 1}]}}


def test_names_inside_free_values_are_the_callers(client, one):
    body = client.patch(one, json={"customFields": FREE, "address": {"zip_code": "1"}}).json

    has(body["data"], {"customFields": FREE, "address": {"zip_code": "1"}})
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

    has(made.json["data"], {"field": "contacts.firstName", "policy": "local_wins"})
    assert client.get("/sync/rules").json["data"][0]["field"] == "contacts.first_name"
    has(client.delete(rule).json, {"success": True, "id": "contacts.firstName"})
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
    has(stored["record"], JANE)
    assert unknown["errors"] == {
        "last_name": ["Unknown field."], "lastName": ["Missing data for required field."],
    }  # fmt: skip
    assert ours["errors"] == {"updatedAt": ["Is set by the service; leave it out."]}
    assert "last_updated" not in ours["detail"]


def test_a_batch_that_is_all_or_nothing_names_the_items(client):
    body = client.post(f"{URL}/batch", json={"atomic": True, "items": [JANE, {"firstName": 1, "updatedAt": 1}]})

    shown = refused(body, 400, "invalid")
    assert set(shown["errors"]) == {"items[1].firstName", "items[1].lastName", "items[1].updatedAt"}
    assert "items[1].firstName: Not a valid string." in shown["error"]


def test_many_records_are_edited_at_once(client, contact):
    body = client.patch(URL, json={"ids": [contact["id"]], "set": {"sourceId": "x"}}).json

    assert (body["success"], body["data"]["updated"]) == (True, 1)
    assert body["data"]["results"][0]["record"]["sourceId"] == "x"


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["first_name", "FirstName", "first__name", "lastUpdated", "source_id", "_", "a_B9_c"])
def test_an_unknown_name_is_refused_as_it_was_spelled(client, one, name):
    shown = refused(client.patch(one, json={name: "x"}), 400, "invalid")

    assert shown["errors"] == {name: ["Unknown field."]}
    assert shown["error"] == f"{name}: Unknown field."


@pytest.mark.parametrize(
    ("query", "name"),
    [("per_page=5", "per_page"), ("itemsPerPage=0", "itemsPerPage"), ("perPage=0", "perPage"),
     ("itemsPerPage=1&perPage=2", "itemsPerPage"), ("search=%01", "search"), ("q=%01", "q"), ("syncStatus=x", "syncStatus"),
     ("sort=-last_updated", "sort"), ("updatedSince=x", "updatedSince"), ("First%20Name=x", "First Name")],
)  # fmt: skip
def test_a_parameter_is_refused_as_it_was_spelled(client, query, name):
    shown = refused(client.get(f"{URL}?{query}"), 400, "invalid")

    assert set(shown["errors"]) == {name}
    assert shown["error"].startswith(f"{name}: ")


def test_messages_speak_of_fields_by_the_front_ends_names(client):
    wrong = client.post(URL, json={"email": "no"})
    sort = client.get(f"{URL}?sort=x")

    assert refused(wrong, 400, "invalid")["error"].startswith("firstName: Missing data for required field. lastName: ")
    (message,) = refused(sort, 400, "invalid")["errors"]["sort"]
    assert {"updatedAt", "-createdAt", "firstName"} <= set(message.removesuffix(".").split(": ")[1].split(", "))


def test_errors_of_every_kind_are_in_the_envelope(client, contact, one):
    refused(client.get("/api/nothing"), 404, "not_found")
    refused(client.get("/api/"), 404, "not_found")
    refused(client.get(f"{URL}/{NOBODY}"), 404, "not_found")
    wrong_method = client.put(URL, json={})
    refused(wrong_method, 405, "method_not_allowed")
    assert "POST" in wrong_method.headers["Allow"]
    taken = refused(client.post(URL, json=JOHN | {"email": contact["email"]}), 409, "taken")
    assert set(taken["errors"]) == {"email"}
    refused(client.post(URL, data="firstName=A"), 415, "unsupported_media_type")
    refused(
        client.post(URL, data=b'{"a": "' + b"x" * 2**20 + b'"}', content_type="application/json"),
        413,
        "request_entity_too_large",
    )
    refused(client.post(URL, data=b'{"a": 1, "a": 2}', content_type="application/json"), 400, "invalid")


def test_what_is_not_for_the_front_end_is_as_it_is_elsewhere(client):
    assert client.get("/api/healthz").json == {"status": "ok"}
    assert client.get("/api/docs").mimetype == "text/html"
    delivery = {"crm_id": "C1", "resource": "contacts", "updated_fields": {}, "timestamp": "2026-01-01T00:00:00Z"}
    assert client.post("/api/webhook", json=delivery).json["outcome"] == "parked"
    assert client.post("/api/webhook", json={"crmId": "C1"}).mimetype == "application/problem+json"
