"""The operations on what belongs to a record, and the steps that it takes, for the OpenAPI document."""

from collections.abc import Collection
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow.openapi import OpenAPIConverter

from app.core.resource import Resource
from app.http import openapi_examples as examples
from app.http import openapi_links, paging, relations
from app.http.openapi_parts import (
    Doc,
    a,
    answer,
    body,
    listed,
    names,
    of_resource,
    parameter,
    refusals,
    schema,
    text,
)  # fmt: skip
from app.http.openapi_records import VERSION, listing, written


def add(spec: APISpec, converter: OpenAPIConverter, resource: Resource) -> None:
    """Add the operations of one resource, and what their bodies look like."""
    one, _ = names(resource)
    record_id = parameter("path", "record_id", f"The {resource.singular}'s id.", text(format="uuid"), required=True)
    shared: list[Any] = [record_id, "RequestId"]
    path = f"/{resource.name}/{{record_id}}"
    for child, fixed in belonging(resource).items():
        whole = _without(written(converter, child), fixed)
        spec.components.schema(f"{names(child)[0]}Of{one}", whole)
        both = {"get": _list(resource, child, fixed), "post": _create(resource, child, fixed)}
        spec.path(f"{path}/{child.name}", operations=both, parameters=shared)
    for name, fields in resource.actions.items():
        part = written(converter, resource, whole=False)
        members = {field: part["properties"][field] for field in fields} | {"version": VERSION}
        needed = {**part, "properties": members, "required": list(fields)}
        spec.components.schema(f"{one}{name.title()}", needed)
        spec.path(f"{path}/{name}", operations={"patch": _step(resource, name, fields)}, parameters=shared)


def belonging(resource: Resource) -> dict[Resource, tuple[str, ...]]:
    """Return the resources whose records belong to one of this resource, with the fields that the address says."""
    found = relations.belonging(resource)
    return {child: _fixed(child.references[field].beside, field) for child, field in found.items()}


def action_id(resource: Resource, name: str) -> str:
    """Return the id of the operation of a step: `assignTask`, `setTaskStatus`."""
    one, _ = names(resource)
    return f"set{one}{name.title()}" if name in resource.fields else f"{name}{one}"


def _fixed(beside: str | None, field: str) -> tuple[str, ...]:
    return (field,) if beside is None else (field, beside)


def _without(whole: Doc, fixed: Collection[str]) -> Doc:
    members = {name: said for name, said in whole["properties"].items() if name not in fixed}
    return {**whole, "properties": members, "required": [name for name in whole["required"] if name in members]}


def _list(resource: Resource, child: Resource, fixed: Collection[str]) -> Doc:
    one, _ = names(child)
    shown = listed(paging.PER_PAGE, examples.shown(child))
    page = answer("A page of records.", schema(f"{one}List"), shown, "Link")
    page["links"] = openapi_links.to_record(child, "$response.body#/data/0/id")
    return of_resource(
        resource, f"list{names(child)[1]}Of{{0}}", f"List the {child.name} of {a(resource)}",
        f"Those whose {_said(fixed)} says this {resource.singular}; in every other way as GET /{child.name}.",
        parameters=listing(child, fixed),
        responses={"200": page, **refusals(400, 404)},
    )  # fmt: skip


def _create(resource: Resource, child: Resource, fixed: Collection[str]) -> Doc:
    one, _ = names(child)
    both = (("whole", f"A whole {child.singular}", examples.whole), ("least", "Only what is required", examples.least))
    given = {
        key: (said, {name: value for name, value in made(child).items() if name not in fixed})
        for key, said, made in both
    }
    after = examples.shown(child)
    made = answer(f"The {child.singular}.", schema(one), after, "Location", "ETag", "Idempotency-Replayed")
    made["links"] = openapi_links.to_record(child, "$response.body#/id")
    return of_resource(
        resource, f"create{one}Of{{0}}", f"Create {a(child)} of {a(resource)}",
        f"As POST /{child.name}; the address says {_said(fixed)}.",
        parameters=["IdempotencyKey", "Prefer"],
        requestBody=body(schema(f"{one}Of{names(resource)[0]}"), given),
        responses={"201": made, **refusals(400, 404, 409, 413, 415, 422)},
    )  # fmt: skip


def _step(resource: Resource, name: str, fields: Collection[str]) -> Doc:
    one, _ = names(resource)
    given = {"one": (f"Only {_said(fields)}", examples.step(resource, fields))}
    after = {**examples.shown(resource), **examples.step(resource, fields), "version": 2}
    changed = answer(f"The {resource.singular} as it stands now.", schema(one), after, "ETag")
    changed["links"] = openapi_links.to_record(resource, "$response.body#/id")
    return of_resource(
        resource, action_id(resource, name), f"Set {_said(fields)} of {a(resource)}",
        f"As PATCH /{resource.name}/<id>, for those who set nothing else. Without If-Match or `version` the last "
        "writer wins.",
        parameters=["IfMatch", "Prefer"],
        requestBody=body(schema(f"{one}{name.title()}"), given),
        responses={"200": changed, **refusals(400, 404, 409, 412, 413, 415)},
    )  # fmt: skip


def _said(fields: Collection[str]) -> str:
    return " and ".join(f"`{name}`" for name in fields)
