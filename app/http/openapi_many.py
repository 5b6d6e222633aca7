"""The operations on many records of one resource at once, for the OpenAPI document."""

from typing import Any

from apispec import APISpec

from app.core.resource import Resource
from app.http import batch, openapi_links
from app.http import openapi_examples as examples
from app.http.openapi_parts import (
    Doc,
    answer,
    body,
    flag,
    names,
    of_resource,
    order,
    refusals,
    schema,
    text,
)  # fmt: skip

ALL_OR_NONE = "All of them or none."


def add(spec: APISpec, resource: Resource) -> None:
    """Add the operations of one resource, and what their bodies and answers look like."""
    one, _ = names(resource)
    items = {"type": "array", "items": schema(f"{one}Create"), "minItems": 1, "maxItems": batch.MOST}
    ids = {"type": "array", "items": text(format="uuid"), "minItems": 1, "maxItems": batch.MOST}
    given = order(
        "items",
        items={**items, "description": "The records, each as for a single POST."},
        atomic=flag(ALL_OR_NONE),
    )
    edit = order(
        "ids", "set",
        ids={**ids, "description": "Which records; one that is named twice is edited once."},
        set=schema(f"{one}Fields"),
        atomic=flag(ALL_OR_NONE),
    )  # fmt: skip
    spec.components.schema(f"{one}Batch", given)
    spec.components.schema(f"{one}BatchOutcome", _outcome(one, batch.CREATED, "created", "stored"))
    spec.components.schema(f"{one}EditOfMany", edit)
    spec.components.schema(f"{one}EditOfManyOutcome", _outcome(one, batch.OK, "updated", "edited"))
    shared: list[Any] = ["RequestId"]
    spec.path(f"/{resource.name}/batch", operations={"post": _create(resource)}, parameters=shared)
    spec.path(f"/{resource.name}", operations={"patch": _edit(resource)}, parameters=shared)


def _outcome(one: str, status: int, counted: str, done: str) -> Doc:
    count = {"type": "integer", "minimum": 0}
    messages = {"type": "object", "additionalProperties": {"type": "array", "items": text()}}
    good = {"status": {"const": status}, "record": schema(one)}
    refused = {
        "status": {"type": "integer", "minimum": 400, "maximum": 499},
        "code": text(description="What happened, for programs."),
        "detail": text(description="What happened."),
        "errors": {**messages, "description": "What is wrong, by field."},
    }
    item = {"oneOf": [{"type": "object", "required": list(kind), "properties": kind} for kind in (good, refused)]}
    members: Doc = {
        "success": {"type": "boolean", "description": f"Whether all were {done}."},
        counted: {**count, "description": f"Records that were {done}."},
        "failed": {**count, "description": "Those that were not."},
        "results": {"type": "array", "items": item, "description": "What became of each, in the order of the request."},
    }
    return {"type": "object", "required": list(members), "properties": members}


def _create(resource: Resource) -> Doc:
    one, _ = names(resource)
    both = [examples.whole(resource), examples.least(resource)]
    given = {
        "each": ("Each by itself", {"items": both}),
        "atomic": (ALL_OR_NONE, {"items": both, "atomic": True}),
    }
    done = answer(
        "What became of each.", schema(f"{one}BatchOutcome"), examples.batch(resource), "Idempotency-Replayed"
    )
    done["links"] = openapi_links.to_record(resource, "$response.body#/results/0/record/id")
    return of_resource(
        resource, "create{1}", f"Create many {resource.name}",
        f"Up to {batch.MOST}, each answered by itself; with `atomic` a single bad one refuses them all. They are "
        "`pending`: the worker pushes them, in batches where the CRM takes them.",
        parameters=["IdempotencyKey"],
        requestBody=body(schema(f"{one}Batch"), given),
        responses={"200": done, **refusals(400, 409, 413, 415, 422)},
    )  # fmt: skip


def _edit(resource: Resource) -> Doc:
    one, _ = names(resource)
    change = {"ids": [examples.IDENTITY], "set": examples.patch(resource)}
    given = {"each": ("Each by itself", change), "atomic": (ALL_OR_NONE, {**change, "atomic": True})}
    done = answer("What became of each.", schema(f"{one}EditOfManyOutcome"), examples.edit_of_many(resource))
    done["links"] = openapi_links.to_record(resource, "$response.body#/results/0/record/id")
    return of_resource(
        resource, "edit{1}", f"Edit many {resource.name}",
        f"Sets the same fields in up to {batch.MOST}, each answered by itself; with `atomic` a single one that cannot "
        "be edited leaves them all as they are. They are `pending`: the worker pushes them.",
        requestBody=body(schema(f"{one}EditOfMany"), given),
        responses={"200": done, **refusals(400, 404, 409, 413, 415)},
    )  # fmt: skip
