"""The operations on what a record has been through, for the OpenAPI document."""

from typing import Any

from apispec import APISpec

from app.core.resource import Resource
from app.http import openapi_examples as examples
from app.http import openapi_links
from app.http.lookback import LAST_CHANGE
from app.http.openapi_parts import (
    Doc,
    a,
    answer,
    names,
    number,
    of_resource,
    parameter,
    refusals,
    schema,
    text,
)  # fmt: skip


def add(spec: APISpec, resource: Resource) -> None:
    """Add the operations of one resource."""
    record_id = parameter("path", "record_id", f"The {resource.singular}'s id.", text(format="uuid"), required=True)
    shared: list[Any] = [record_id, "RequestId"]
    change_id = parameter("path", "change_id", "The change's id.", number(1, LAST_CHANGE), required=True)
    path = f"/{resource.name}/{{record_id}}"
    undo = {"post": _undo(resource)}
    spec.path(f"{path}/explain", operations={"get": _explain(resource)}, parameters=shared)
    spec.path(f"{path}/restore", operations={"post": _restore(resource)}, parameters=shared)
    spec.path(f"{path}/changes/{{change_id}}/undo", operations=undo, parameters=[change_id, *shared])


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
        resource, "undo{0}Change", f"Undo one change of {a(resource)}",
        "Gives the fields that it changed their values of before, here and in the CRM. 412 when one of them has "
        "changed since. To undo a deletion is to restore; to undo the creation is to delete.",
        parameters=["Prefer"],
        responses={"200": found, "204": answer("It was the creation: deleted."), **refusals(404, 409, 412)},
    )  # fmt: skip
