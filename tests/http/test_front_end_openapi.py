"""The description of the front end's dialect: valid, whole, and true of what is answered."""

import json
import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.http.openapi_front_end import APART
from app.resources import REGISTRY
from tests.support.front_end import JOHN, NOBODY, URL
from tests.support.openapi import complaints, examples, medias, operations, resolved


@pytest.fixture
def registry():
    return REGISTRY


@pytest.fixture
def settings():
    return {"SYNC_MODE": "worker"}


@pytest.fixture
def document(client):
    return client.get("/api/openapi.json").json


def test_the_document_is_valid_and_has_every_operation(client, document):
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    assert [server["url"] for server in document["servers"]] == ["/api"]
    every = {name for name, (_, path, _) in operations(client.get("/openapi.json").json).items() if path not in APART}
    assert set(operations(document)) == every


def test_no_name_is_the_apis(document):
    members = [
        name for schema in document["components"]["schemas"].values() for name in schema.get("properties", {})
    ]  # fmt: skip
    asked = [
        one["name"] for _, path, operation in operations(document).values()
        for one in operation.get("parameters", []) if one.get("in") == "query"
    ]  # fmt: skip
    assert members
    assert asked
    assert [name for name in members + asked if "_" in name] == []
    assert "problem+json" not in json.dumps(document)


def _wrong(document):
    found = [
        (where, complaints(document, media["schema"], value))
        for where, media in medias(document)
        for value in examples(media)
    ]
    assert len(found) > 100
    return {where.rpartition(" ")[0] for where, complaint in found if complaint}


def test_every_example_is_as_good_as_the_apis(client, document):
    apis = {where.replace(" 204", " 200") for where in _wrong(client.get("/openapi.json").json)}

    assert _wrong(document) <= apis
    assert not [where for where in _wrong(document) if where.startswith(("create", "list"))]


def test_answers_are_as_described(client, document):
    made = client.post(URL, json=JOHN)
    one = f"{URL}/{made.json['data']['id']}"
    rule = "/sync/rules/contacts.firstName"
    for operation_id, answer in {
        "createContact": made,
        "listContacts": client.get(f"{URL}?sort=-updatedAt&search=john"),
        "readContact": client.get(one),
        "editContact": client.patch(one, json={"sourceId": "x"}),
        "listContactChanges": client.get(f"{one}/changes"),
        "explainContact": client.get(f"{one}/explain"),
        "createContacts": client.post(f"{URL}/batch", json={"items": [{"firstName": "A", "lastName": "B"}, {}]}),
        "undoContactChange": client.get(f"{URL}/{NOBODY}"),
        "planSync": client.get("/api/sync/plan"),
        "readSyncStatus": client.get("/api/sync/status"),
        "setRule": client.put(f"/api{rule}", json={"policy": "local_wins"}),
        "listRules": client.get("/api/sync/rules"),
        "dropRule": client.delete(f"/api{rule}"),
        "deleteContact": client.delete(one),
    }.items():
        _, _, operation = operations(document)[operation_id]
        described = resolved(document, operation["responses"][str(answer.status_code)])
        (media,) = described["content"].values()
        assert complaints(document, media["schema"], answer.json) == [], operation_id


def test_the_api_is_described_in_its_own_names(client):
    client.get("/api/openapi.json")
    text = client.get("/openapi.json").get_data(as_text=True)

    assert '"first_name"' in text
    assert not re.search('"firstName"', text)
