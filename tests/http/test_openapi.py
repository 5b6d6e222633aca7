"""The OpenAPI document says what the service does: no more, no less, and with examples that work."""

import json
import re

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.core.schema import load
from app.http.openapi_records import names
from app.http.openapi_service import ROOT_ONLY
from app.resources import REGISTRY
from app.sync import delivery

METHODS = {"get", "post", "put", "patch", "delete"}
PROBLEM = "application/problem+json"
NOBODY = "00000000-0000-4000-8000-000000000000"
EXPLORER_FILES = "docs.static"
resources = pytest.mark.parametrize("resource", REGISTRY.values(), ids=REGISTRY)


@pytest.fixture
def document(client):
    return client.get("/openapi.json").json


def operations(document):
    return {
        one["operationId"]: (method, path, one)
        for path, item in document["paths"].items()
        for method, one in item.items()
        if method in METHODS
    }


def resolved(document, part):
    while "$ref" in part:
        found = document
        for key in part["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        part = found
    return part


def complaints(document, schema, value):
    """Return what a JSON Schema of the document has against a value."""
    checked = Draft202012Validator(
        {**schema, "components": document["components"]}, format_checker=Draft202012Validator.FORMAT_CHECKER
    )
    return [error.message for error in checked.iter_errors(value)]


def examples(media):
    return [one["value"] for one in media.get("examples", {}).values()] + (
        [media["example"]] if "example" in media else []
    )


def medias(document):
    """Return every body of the document with where it stands."""
    for name, (_, _, operation) in operations(document).items():
        for kind, media in operation.get("requestBody", {}).get("content", {}).items():
            yield f"{name} request {kind}", media
        for status, answer in operation["responses"].items():
            for kind, media in resolved(document, answer).get("content", {}).items():
                yield f"{name} {status} {kind}", media


def test_the_document_is_valid(document):
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_every_route_is_documented_and_none_is_invented(app, document):
    served = {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if rule.endpoint != EXPLORER_FILES
    }
    documented = {
        (method, server["url"].rstrip("/") + path)
        for path, item in document["paths"].items()
        for server in item.get("servers", document["servers"])
        for method in item.keys() & METHODS
    }
    assert documented == served


def test_only_what_has_no_version_has_servers_of_its_own(document):
    assert {path for path, item in document["paths"].items() if "servers" in item} == set(ROOT_ONLY)


def test_every_operation_is_explained(document):
    tags = {tag["name"] for tag in document["tags"]}
    for name, (_, path, operation) in operations(document).items():
        assert operation["summary"], name
        assert operation["description"], name
        assert set(operation["tags"]) <= tags, name
        mentioned = {
            resolved(document, one)["name"]
            for one in [*document["paths"][path].get("parameters", []), *operation.get("parameters", [])]
            if resolved(document, one)["in"] == "path"
        }
        assert mentioned == set(re.findall(r"\{(\w+)\}", path)), name


def test_every_error_is_a_problem(document):
    for name, (_, path, operation) in operations(document).items():
        for status, answer in operation["responses"].items():
            if (status == "default" or int(status) >= 400) and (path, status) != ("/readyz", "503"):
                assert list(resolved(document, answer)["content"]) == [PROBLEM], (name, status)


def test_every_answer_names_its_request(document):
    for name, (_, _, operation) in operations(document).items():
        for status, answer in operation["responses"].items():
            assert "X-Request-Id" in resolved(document, answer)["headers"], (name, status)


def test_only_health_and_the_webhook_need_no_token_in_production(document):
    assert document["security"] == [{"bearer": []}, {}]
    free = {path for _, path, operation in operations(document).values() if operation.get("security") == []}
    assert free == {"/healthz", "/readyz", "/webhook"}


def test_every_example_fits_its_schema(document):
    found = {place: (media["schema"], value) for place, media in medias(document) for value in examples(media)}
    assert len(found) > 50
    for place, (schema, value) in found.items():
        assert complaints(document, schema, value) == [], place


@resources
def test_every_example_of_a_record_can_be_read(document, resource):
    one, _ = names(resource)
    readers = {f"create{one}": resource.full, f"replace{one}": resource.full, f"edit{one}": resource.partial}
    for name, reader in readers.items():
        for media in operations(document)[name][2]["requestBody"]["content"].values():
            assert examples(media)
            assert all(load(reader, example) for example in examples(media))


def test_every_example_of_a_webhook_can_be_read(document):
    (media,) = operations(document)["receiveWebhook"][2]["requestBody"]["content"].values()
    one, batch = examples(media)
    assert all(delivery.read(each, REGISTRY) for each in [one, *batch])


@resources
def test_every_example_of_a_record_works(client, document, resource):
    one, _ = names(resource)
    made = []
    for media in operations(document)[f"create{one}"][2]["requestBody"]["content"].values():
        made += [client.post(f"/{resource.name}", json=example) for example in examples(media)]
    assert [answer.status_code for answer in made] == [201] * len(made)
    where = made[0].headers["Location"]
    for name, send in ((f"replace{one}", client.put), (f"edit{one}", client.patch)):
        for kind, media in operations(document)[name][2]["requestBody"]["content"].items():
            for example in examples(media):
                assert send(where, data=json.dumps(example), content_type=kind).status_code == 200


@resources
def test_what_a_schema_calls_required_is_required(client, document, resource):
    one, _ = names(resource)
    required = document["components"]["schemas"][f"{one}Create"]["required"]
    assert set(client.post(f"/{resource.name}", json={}).json["errors"]) == set(required)


@resources
def test_the_parameters_of_a_listing_are_those_it_takes(client, document, resource):
    _, many = names(resource)
    for one in operations(document)[f"list{many}"][2]["parameters"]:
        schema = one["schema"]
        assert client.get(f"/{resource.name}", query_string={one["name"]: ""}).status_code in {200, 400}
        for value in schema.get("enum", []):
            assert client.get(f"/{resource.name}", query_string={one["name"]: value}).status_code == 200, value
        if "maximum" in schema:
            for value, status in ((schema["maximum"], 200), (schema["maximum"] + 1, 400), (schema["minimum"] - 1, 400)):
                assert client.get(f"/{resource.name}", query_string={one["name"]: value}).status_code == status
        if "maxLength" in schema:
            for length, status in ((schema["maxLength"], 200), (schema["maxLength"] + 1, 400)):
                assert client.get(f"/{resource.name}", query_string={one["name"]: "x" * length}).status_code == status
    assert client.get(f"/{resource.name}?nonsense=1").status_code == 400


def test_what_the_service_answers_is_documented(client, document, user, webhook):
    one = f"/users/{user['id']}"
    json_text = {"content_type": "application/json"}
    run = client.post("/sync").json["id"]
    known = operations(document)
    answers = {
        "createUser": [
            client.post("/users", json={**user_fields(2)}),
            client.post("/users", json={}),
            client.post("/users", json=user_fields(2)),
            client.post("/users", data="x"),
            client.post("/users", data="x" * 2**21, **json_text),
        ],
        "listUsers": [client.get("/users"), client.get("/users?per_page=1"), client.get("/users?page=0")],
        "readUser": [client.get(one), client.get(one, headers={"If-None-Match": "*"}), client.get(f"/users/{NOBODY}")],
        "replaceUser": [client.put(one, json=user_fields(3)), client.put(one, json={}), client.put(one, data="x")],
        "editUser": [client.patch(one, json={}), client.patch(one, json={"version": 99})],
        "listUserChanges": [client.get(f"{one}/changes"), client.get(f"{one}/changes?limit=0")],
        "syncUser": [client.post(f"{one}/sync"), client.post(f"/users/{NOBODY}/sync")],
        "receiveWebhook": [
            webhook(user["crm_id"], {"name": "Changed there"}),
            webhook("nobody"),
            client.post("/webhook", json={}),
            client.post("/webhook", json={}, headers={"webhook-id": "x"}),
            client.post("/webhook", data="x"),
        ],
        "runSync": [
            client.post("/sync"),
            client.post("/sync", json={"direction": "bidirectional"}),
            client.post("/sync", json={"direction": "up"}),
        ],
        "readSyncStatus": [client.get("/sync/status")],
        "listRuns": [client.get("/sync/runs"), client.get("/sync/runs?page=0")],
        "readRun": [client.get(f"/sync/runs/{run}"), client.get("/sync/runs/none")],
        "listConflicts": [client.get("/sync/conflicts"), client.get("/sync/conflicts?status=x")],
        "deleteUser": [client.delete(one, headers={"If-Match": '"99-x"'}), client.delete(one), client.delete(one)],
        "readLiveness": [client.get("/healthz")],
        "readReadiness": [client.get("/readyz")],
        "readMetrics": [client.get("/metrics")],
        "readOpenAPI": [client.get("/openapi.json")],
        "readDocs": [client.get("/docs")],
        "readPostman": [client.get("/postman.json")],
    }
    assert answers.keys() == known.keys()
    for name, found in answers.items():
        for answer in found:
            assert undocumented(document, known[name][2], answer) == [], (name, answer.status, answer.text[:500])


def user_fields(number):
    return {"name": f"User {number}", "email": f"user{number}@example.com", "phone": None}


def undocumented(document, operation, answer):
    """Return what an answer has that its operation does not say."""
    status = str(answer.status_code)
    if status not in operation["responses"]:
        return [f"status {status}"]
    said = resolved(document, operation["responses"][status])
    if "content" not in said:
        return ["a body"] if answer.data else []
    if answer.mimetype not in said["content"]:
        return [f"type {answer.mimetype}"]
    told = {"ETag", "Location", "Link", "Retry-After", "Idempotency-Replayed", "Preference-Applied", "WWW-Authenticate"}
    headers = [f"header {name}" for name in told & {name for name, _ in answer.headers} - said["headers"].keys()]
    schema = said["content"][answer.mimetype]["schema"]
    found = complaints(document, schema, answer.json) if answer.is_json else []
    return [*headers, *found, *unknown_members(resolved(document, schema), answer)]


def unknown_members(schema, answer):
    if not answer.is_json or "properties" not in schema:
        return []
    return [f"member {name}" for name in answer.json.keys() - schema["properties"].keys()]


def test_every_link_leads_to_an_operation(document):
    known = operations(document)
    linked = 0
    for name, (_, _, operation) in known.items():
        for answer in operation["responses"].values():
            for link in resolved(document, answer).get("links", {}).values():
                _, path, _ = known[link["operationId"]]
                assert set(link["parameters"]) == set(re.findall(r"\{(\w+)\}", path)), name
                linked += 1
    assert linked > 5


def test_the_document_is_made_once(client, monkeypatch):
    first = client.get("/openapi.json").data
    monkeypatch.setattr("app.http.openapi.build", lambda _registry: pytest.fail("made again"))
    assert client.get("/openapi.json").data == first
