"""The operations on the records of one resource, for the OpenAPI document."""

from collections.abc import Collection
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow.openapi import OpenAPIConverter

from app.core.resource import Resource
from app.http import openapi_calendar, openapi_kinds, openapi_links, paging
from app.http import openapi_examples as examples
from app.http.openapi_parts import (
    JSON,
    Doc,
    a,
    answer,
    body,
    described,
    exact,
    listed,
    names,
    number,
    of_resource,
    pages,
    parameter,
    query,
    refusals,
    schema,
    text,
)  # fmt: skip
from app.http.rest import CHANGES

MERGE_PATCH = "application/merge-patch+json"
MOST_CHANGES, LAST_CHANGE = 1000, 2**40
VERSION: Doc = {
    "type": "integer",
    "minimum": 1,
    "maximum": 2**63 - 1,
    "description": "The version to change, as If-Match: 412 when the record has changed since.",
}
CURSOR: Doc = {"type": "string", "pattern": "^[A-Za-z0-9_-]+$"}


def add_schemas(spec: APISpec, converter: OpenAPIConverter, resource: Resource) -> None:
    """Add what is written (whole and in part) and what is shown."""
    one, _ = names(resource)
    whole, part = written(converter, resource), written(converter, resource, whole=False)
    spec.components.schema(f"{one}Create", whole)
    spec.components.schema(f"{one}Replace", {**whole, "properties": {**whole["properties"], "version": VERSION}})
    spec.components.schema(f"{one}Fields", {**part, "minProperties": 1})
    spec.components.schema(f"{one}Edit", {**part, "properties": {**part["properties"], "version": VERSION}})
    shown = _shown(whole["properties"])
    listing = {"data": {"type": "array", "items": openapi_calendar.item(resource)}, "pagination": schema("Pagination")}
    spec.components.schema(
        one, {"type": "object", "description": resource.description, "required": list(shown), "properties": shown}
    )
    spec.components.schema(f"{one}List", {"type": "object", "required": list(listing), "properties": listing})


def written(converter: OpenAPIConverter, resource: Resource, *, whole: bool = True) -> Doc:
    """Return the schema of what is written of a record, whole or in part."""
    found = described(converter, resource.full if whole else resource.partial)
    for name, member in found["properties"].items():
        found["properties"][name] = openapi_kinds.written(resource.fields[name], member, whole=whole)
    return found


def _shown(written: Doc) -> Doc:
    fields = {name: openapi_kinds.shown(one) for name, one in written.items()}
    nullable_text = {"type": ["string", "null"]}
    moment = text(format="date-time")
    return {
        "id": text(format="uuid", description="The record's id here."),
        **fields,
        "sync_status": text(enum=list(paging.STATUSES), description="Where it stands with the CRM."),
        "sync_error": {**nullable_text, "description": "Why it could not be synced."},
        "crm_id": {**nullable_text, "description": "The record's id in the CRM, once it has one."},
        "version": {"type": "integer", "minimum": 1, "description": "Counts the changes of its fields."},
        "created_at": {**moment, "description": "When it was made."},
        "last_updated": {**moment, "description": "When its fields last changed, on whichever side."},
    }


def add_paths(spec: APISpec, resource: Resource) -> None:
    """Add the operations of one resource."""
    one = parameter("path", "record_id", f"The {resource.singular}'s id.", text(format="uuid"), required=True)
    shared: list[Any] = [one, "RequestId"]
    path = f"/{resource.name}"
    spec.tag({"name": resource.name, "description": resource.description})
    many = {"get": _index(resource), "post": _create(resource)}
    single = {"get": _read(resource), "put": _replace(resource), "patch": _edit(resource), "delete": _delete(resource)}
    spec.path(path, operations=many, parameters=shared[1:])
    spec.path(f"{path}/{{record_id}}", operations=single, parameters=shared)
    spec.path(f"{path}/{{record_id}}/changes", operations={"get": _changes(resource)}, parameters=shared)
    spec.path(f"{path}/{{record_id}}/sync", operations={"post": _sync(resource)}, parameters=shared)


def _index(resource: Resource) -> Doc:
    one, _ = names(resource)
    shown = listed(paging.PER_PAGE, examples.shown(resource))
    page = answer("A page of records.", schema(f"{one}List"), shown, "Link")
    page["links"] = openapi_links.to_record(resource, "$response.body#/data/0/id")
    return of_resource(
        resource, "list{1}", f"List {resource.name}",
        "By page number, or with `cursor` for a walk that misses nothing while records come and go. "
        "Parameters that are not listed here are refused.",
        parameters=listing(resource), responses={"200": page, **refusals(400)},
    )  # fmt: skip


def listing(resource: Resource, fixed: Collection[str] = ()) -> list[Doc]:
    """Return the parameters of a listing; by the fields in `fixed` it is filtered already."""
    sorts = [*paging.SORTS, *(name for name, field in resource.fields.items() if field.kind.sortable)]
    signed = [f"{sign}{name}" for name in sorts for sign in ("-", "")]
    by_field = [field for name, field in resource.fields.items() if field.kind.filterable and name not in fixed]
    case = {True: ", in any letter case", False: ""}
    return [
        *pages(paging.PER_PAGE),
        query("cursor", "Where the page before ended: its `next_cursor`. Use it with the same `sort`.", CURSOR),
        query("sort", "Order; `-` is descending.", text(enum=signed, default="-last_updated")),
        query("sync_status", "Only records that stand so with the CRM.", text(enum=list(paging.STATUSES))),
        query("q", "Only records with this text in a field, in any letter case.", exact()),
        query("updated_since", "Only records that changed at or after this time.", text(format="date-time")),
        *(
            query(one.name, f"Only records with this {one.name}{case[one.unique]}.", openapi_kinds.filter_by(one))
            for one in by_field
        ),
        *openapi_calendar.window(resource),
    ]


def _create(resource: Resource) -> Doc:
    one, _ = names(resource)
    given = {
        "whole": (f"A whole {resource.singular}", examples.whole(resource)),
        "least": ("Only what is required", examples.least(resource)),
    }
    made = answer(
        f"The {resource.singular} was stored, and pushed to the CRM unless that is left for later.",
        schema(one), examples.shown(resource), "Location", "ETag", "Idempotency-Replayed",
    )  # fmt: skip
    made["links"] = openapi_links.to_record(resource, "$response.body#/id")
    return of_resource(
        resource, "create{0}", f"Create {a(resource)}",
        "Stores the record and pushes it to the CRM, within a few seconds. A CRM that does not answer in time does "
        "not matter: the record is stored as `pending` and is pushed later.",
        parameters=["IdempotencyKey", "Prefer"],
        requestBody=body(schema(f"{one}Create"), given),
        responses={"201": made, **refusals(400, 409, 413, 415, 422)},
    )  # fmt: skip


def _read(resource: Resource) -> Doc:
    one, _ = names(resource)
    return of_resource(
        resource, "read{0}", f"Read {a(resource)}", "As it stands now, here and with the CRM.",
        parameters=["IfNoneMatch"],
        responses={
            "200": answer(f"The {resource.singular}.", schema(one), examples.shown(resource), "ETag"),
            "304": answer("The caller has it already.", None, None, "ETag"),
            **refusals(404),
        },
    )  # fmt: skip


def _replace(resource: Resource) -> Doc:
    given = {"whole": (f"A whole {resource.singular}", examples.whole(resource) | examples.patch(resource))}
    return _changed(
        resource, "replace{0}", f"Replace {a(resource)}",
        "Sets every field; one that is left out gets its default, or null without one. Without If-Match or `version` "
        "the last writer wins.",
        body(schema(f"{names(resource)[0]}Replace"), given),
    )  # fmt: skip


def _edit(resource: Resource) -> Doc:
    given = {"one": ("One field", examples.patch(resource))}
    return _changed(
        resource, "edit{0}", f"Edit {a(resource)}",
        "Sets the fields that are named and leaves the others, as a merge patch (RFC 7396) does with the members of a "
        "record; a field that is an object is replaced whole. Without If-Match or `version` the last writer wins, "
        "field by field.",
        body(schema(f"{names(resource)[0]}Edit"), given, JSON, MERGE_PATCH),
    )  # fmt: skip


def _changed(resource: Resource, verb: str, summary: str, description: str, given: Doc) -> Doc:
    one, _ = names(resource)
    after = {**examples.shown(resource), **examples.patch(resource), "version": 2}
    changed = answer(f"The {resource.singular} as it stands now.", schema(one), after, "ETag")
    changed["links"] = openapi_links.to_record(resource, "$response.body#/id")
    return of_resource(
        resource, verb, summary, description,
        parameters=["IfMatch", "Prefer"],
        requestBody=given,
        responses={"200": changed, **refusals(400, 404, 409, 412, 413, 415)},
    )  # fmt: skip


def _delete(resource: Resource) -> Doc:
    deleted = answer("It is deleted.") | {"links": openapi_links.after_deletion(resource)}
    return of_resource(
        resource, "delete{0}", f"Delete {a(resource)}",
        "Leaves a tombstone, which is pushed like any change; its unique values are free again.",
        parameters=["IfMatch", "Prefer"],
        responses={"204": deleted, **refusals(404, 412)},
    )  # fmt: skip


def _changes(resource: Resource) -> Doc:
    found = answer("The journal, newest first.", schema("Changes"), examples.changes(resource))
    found["links"] = openapi_links.to_undo(resource)
    return of_resource(
        resource, "list{0}Changes", f"List the changes of {a(resource)}",
        "Who changed which field, when, from what to what; of a deleted record too.",
        parameters=[
            query("limit", "Most entries; what changed together is one entry.", number(1, MOST_CHANGES, CHANGES)),
            query("before", "Only entries before this `id`.", number(1, LAST_CHANGE)),
        ],
        responses={"200": found, **refusals(400, 404)},
    )  # fmt: skip


def _sync(resource: Resource) -> Doc:
    one, _ = names(resource)
    found = answer(f"The {resource.singular} as it stands now.", schema(one), examples.shown(resource), "ETag")
    return of_resource(
        resource, "sync{0}", f"Sync {a(resource)} now",
        "Pushes what this record owes the CRM, also when it was given up, and fetches what the CRM has. What goes "
        "wrong is said in `sync_status` and `sync_error`.",
        responses={"200": found, **refusals(404)},
    )  # fmt: skip
