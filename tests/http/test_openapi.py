"""The OpenAPI document is valid, whole and explained."""

import re

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from app.http.openapi_parts import names
from app.http.openapi_service import ROOT_ONLY
from app.resources import REGISTRY
from tests.support.openapi import METHODS, operations, resolved, resources

PROBLEM = "application/problem+json"
EXPLORER_FILES = "docs.static"


@pytest.fixture
def registry():
    return REGISTRY


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


@resources
def test_a_record_that_was_just_answered_leads_on(document, resource):
    one, _ = names(resource)
    found = operations(document)
    made, deleted = found[f"create{one}"][2]["responses"]["201"], found[f"delete{one}"][2]["responses"]["204"]
    verbs = ("read{}", "replace{}", "edit{}", "delete{}", "list{}Changes", "explain{}", "sync{}")
    assert set(made["links"]) == {verb.format(one) for verb in verbs}
    assert f"restore{one}" in deleted["links"]


def test_the_document_is_made_once(client, monkeypatch):
    first = client.get("/openapi.json").data
    monkeypatch.setattr("app.http.openapi.build", lambda _registry: pytest.fail("made again"))
    assert client.get("/openapi.json").data == first
