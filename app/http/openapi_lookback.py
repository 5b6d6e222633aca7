"""The operations on what a record has been through, and on many records at once, for the OpenAPI document."""

from typing import Any

from apispec import APISpec

from app.core.resource import Resource
from app.http import batch, openapi_links
from app.http import openapi_examples as examples
from app.http.lookback import LAST_CHANGE
from app.http.openapi_parts import (
    Doc,
    answer,
    body,
    flag,
    names,
    number,
    order,
    parameter,
    refusals,
    schema,
    text,
)  # fmt: skip
from app.http.openapi_records import of_resource


def add(spec: APISpec, resource: Resource) -> None:
    """Add the operations of one resource, and what a batch looks like."""
    one, _ = names(resource)
    items = {"type": "array", "items": schema(f"{one}Create"), "minItems": 1, "maxItems": batch.MOST}
    given = order(
        "items",
        items={**items, "description": "The records, each as for a single POST."},
        atomic=flag("All of them or none."),
    )
    spec.components.schema(f"{one}Batch", given)
    spec.components.schema(f"{one}BatchOutcome", _outcome(one))
    record_id = parameter("path", "record_id", f"The {resource.singular}'s id.", text(format="uuid"), required=True)
    shared: list[Any] = [record_id, "RequestId"]
    change_id = parameter("path", "change_id", "The change's id.", number(1, LAST_CHANGE), required=True)
    path = f"/{resource.name}/{{record_id}}"
    undo = {"post": _undo(resource)}
    spec.path(f"/{resource.name}/batch", operations={"post": _batch(resource)}, parameters=shared[1:])
    spec.path(f"{path}/explain", operations={"get": _explain(resource)}, parameters=shared)
    spec.path(f"{path}/restore", operations={"post": _restore(resource)}, parameters=shared)
    spec.path(f"{path}/changes/{{change_id}}/undo", operations=undo, parameters=[change_id, *shared])


def _outcome(one: str) -> Doc:
    count = {"type": "integer", "minimum": 0}
    messages = {"type": "object", "additionalProperties": {"type": "array", "items": text()}}
    stored = {"status": {"const": batch.CREATED}, "record": schema(one)}
    refused = {
        "status": {"type": "integer", "minimum": 400, "maximum": 499},
        "code": text(description="What happened, for programs."),
        "detail": text(description="What happened."),
        "errors": {**messages, "description": "What is wrong, by field."},
    }
    item = {"oneOf": [{"type": "object", "required": list(kind), "properties": kind} for kind in (stored, refused)]}
    members: Doc = {
        "success": {"type": "boolean", "description": "Whether all were stored."},
        "created": {**count, "description": "Records that were stored."},
        "failed": {**count, "description": "Items that were not."},
        "results": {"type": "array", "items": item, "description": "What became of each, in the order of the batch."},
    }
    return {"type": "object", "required": list(members), "properties": members}


def _batch(resource: Resource) -> Doc:
    one, _ = names(resource)
    both = [examples.whole(resource), examples.least(resource)]
    given = {
        "each": ("Each by itself", {"items": both}),
        "atomic": ("All of them or none", {"items": both, "atomic": True}),
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


def _explain(resource: Resource) -> Doc:
    found = answer("Why it is so.", schema("Explanation"), examples.explanation(resource))
    return of_resource(
        resource, "explain{0}", f"Why is this {resource.singular} as it is?",
        "In plain words: who set each field and when, what was decided, what is owed and when it is tried again, and "
        "what to do. Of a deleted one too.",
        responses={"200": found, **refusals(404)},
    )  # fmt: skip


def _restore(resource: Resource) -> Doc:
    one, _ = names(resource)
    found = answer(f"The {resource.singular}, alive.", schema(one), examples.shown(resource), "ETag")
    found["links"] = openapi_links.to_record(resource, "$response.body#/id")
    return of_resource(
        resource, "restore{0}", f"Restore a deleted {resource.singular}",
        "Brings a tombstone back, here and in the CRM; one that lives is answered as it is. 409 when another record "
        "has a unique value of it by now.",
        parameters=["Prefer"],
        responses={"200": found, **refusals(404, 409)},
    )  # fmt: skip


def _undo(resource: Resource) -> Doc:
    one, _ = names(resource)
    after = examples.shown(resource) | {"version": 3}
    found = answer(f"The {resource.singular} as it stands now.", schema(one), after, "ETag")
    return of_resource(
        resource, "undo{0}Change", f"Undo one change of a {resource.singular}",
        "Gives the fields that it changed their values of before, here and in the CRM. 412 when one of them has "
        "changed since. To undo a deletion is to restore; to undo the creation is to delete.",
        parameters=["Prefer"],
        responses={"200": found, "204": answer("It was the creation: deleted."), **refusals(404, 409, 412)},
    )  # fmt: skip
