"""Ways through the OpenAPI document."""

import pytest
from jsonschema import Draft202012Validator

from app.resources import REGISTRY

METHODS = {"get", "post", "put", "patch", "delete"}
resources = pytest.mark.parametrize("resource", REGISTRY.values(), ids=REGISTRY)


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
