"""The operations that look for words, for the OpenAPI document."""

from typing import Any

from apispec import APISpec

from app.core import words
from app.core.resource import Registry, Resource
from app.http import openapi_examples as examples
from app.http import openapi_links, paging
from app.http.openapi_kinds import PLAIN
from app.http.openapi_parts import (
    Doc,
    answer,
    listed,
    names,
    of_resource,
    operation,
    pages,
    query,
    refusals,
    schema,
    text,
)  # fmt: skip
from app.services import searching

TAG = "search"
MEANING = (
    "Records in which every word stands, or one that begins with it, in any field; letter case and accents do not "
    "matter. First come those with all of the words in their title, of these the ones that have them there whole; "
    f"then what changed last. At most {searching.MOST:,} are found and counted in `total`. Only the first "
    f"{words.MOST_SOUGHT} words count."
)
REQUEST_ID: list[Any] = ["RequestId"]


def add(spec: APISpec, registry: Registry) -> None:
    """Add the search in all resources and in each."""
    spec.tag({"name": TAG, "description": "Looking for words."})
    for resource in registry.values():
        one, _ = names(resource)
        spec.components.schema(f"{one}Hit", _hit([resource.name], schema(one)))
        spec.components.schema(f"{one}Hits", _hits(f"{one}Hit"))
        within = {"get": _within(resource)}
        spec.path(f"/{resource.name}/search", operations=within, parameters=REQUEST_ID)
    every = [schema(names(resource)[0]) for resource in registry.values()]
    spec.components.schema("Hit", _hit(list(registry), {"anyOf": every}))
    spec.components.schema("Hits", _hits("Hit"))
    spec.path("/search", operations={"get": _everywhere(registry)}, parameters=REQUEST_ID)


def _hit(resources: list[str], record: Doc) -> Doc:
    marked = "The fields in which a word stands, as HTML with `<mark>` around it; long texts are cut."
    members: Doc = {
        "resource": text(enum=resources, description="What kind of record it is."),
        "id": text(format="uuid", description="The record's id."),
        "record": record,
        "highlights": {"type": "object", "additionalProperties": text(), "description": marked},
    }
    return {"type": "object", "required": list(members), "properties": members}


def _hits(item: str) -> Doc:
    members: Doc = {"data": {"type": "array", "items": schema(item)}, "pagination": schema("Pagination")}
    return {"type": "object", "required": list(members), "properties": members}


def _wanted() -> list[Any]:
    words_ = "Words to look for, at least one; what is neither letter nor digit separates them."
    given = text(minLength=1, maxLength=paging.LONGEST_TEXT, pattern=PLAIN)
    return [query("q", words_, given) | {"required": True}, *pages(paging.PER_PAGE)]


def _within(resource: Resource) -> Doc:
    one, _ = names(resource)
    shown = listed(paging.PER_PAGE, _example(resource))
    found = answer("A page of what was found, best first.", schema(f"{one}Hits"), shown)
    found["links"] = openapi_links.to_record(resource, "$response.body#/data/0/id")
    return of_resource(
        resource, "search{1}", f"Search {resource.name}", MEANING,
        parameters=_wanted(), responses={"200": found, **refusals(400)},
    )  # fmt: skip


def _everywhere(registry: Registry) -> Doc:
    among: Doc = {"type": "array", "items": text(enum=list(registry)), "minItems": 1, "uniqueItems": True}
    narrower = query("resources", "Only records of these resources; may be given again.", among)
    shown = listed(paging.PER_PAGE, _example(next(iter(registry.values()))))
    return operation(
        TAG, "search", "Search everything", MEANING,
        parameters=[*_wanted(), narrower],
        responses={"200": answer("A page of what was found, best first.", schema("Hits"), shown), **refusals(400)},
    )  # fmt: skip


def _example(resource: Resource) -> Doc:
    record = examples.shown(resource)
    texts = resource.texts(record)
    first = texts[resource.title_fields[0]].split()[0]
    sought = words.sought(first)
    assert sought is not None
    found = {name: words.marked(value, sought) for name, value in texts.items()}
    highlights = {name: value for name, value in found.items() if value is not None}
    return {"resource": resource.name, "id": examples.IDENTITY, "record": record, "highlights": highlights}
