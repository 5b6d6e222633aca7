"""What is said of a resource that is a calendar, for the OpenAPI document: the window, occurrences, and files."""

from typing import Any

from apispec import APISpec

from app.core.resource import Resource
from app.http.calendar import MEDIA
from app.http.openapi_parts import (
    Doc,
    answer,
    exact,
    names,
    operation,
    parameter,
    query,
    refusals,
    schema,
    text,
)  # fmt: skip
from app.http.paging import LONGEST_WINDOW, STATUSES
from app.services.calendar import MOST, MOST_IN_A_FILE

EDGE: Doc = {"anyOf": [text(format="date"), text(format="date-time")]}
FILE = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//crm-sync//{name}//EN\r\nEND:VCALENDAR\r\n"


def window(resource: Resource) -> list[Doc]:
    """Return the parameters that ask for what happens between two times."""
    if resource.occurs is None:
        return []
    since = (
        "With `to`: answer with occurrences, by their start, instead of records. A day is one in UTC. "
        "Not together with `cursor` or `sort`."
    )
    until = (
        f"With `from`, at most {LONGEST_WINDOW.days} days after it. A day is part of the window, a time is not. "
        f"At most {MOST} occurrences."
    )
    return [query("from", since, EDGE), query("to", until, EDGE)]


def item(resource: Resource) -> Doc:
    """Return the schema of what a listing holds: a record, and in a window also which time is meant."""
    shown = schema(names(resource)[0])
    if resource.occurs is None:
        return shown
    moment = {"format": "date-time"}
    times = {
        resource.occurs.starts: {"type": "string", **moment, "description": "When it starts this time."},
        resource.occurs.ends: {"type": ["string", "null"], **moment, "description": "When it ends, if it says."},
    }
    one = {"type": "object", "description": "Only with `from` and `to`.", "required": [*times], "properties": times}
    return {"allOf": [shown, {"type": "object", "properties": {"occurrence": one}}]}


def add(spec: APISpec, resource: Resource) -> None:
    """Add the files of a calendar."""
    if resource.occurs is None:
        return
    one = parameter("path", "record_id", f"The {resource.singular}'s id.", text(format="uuid"), required=True)
    shared: list[Any] = [one, "RequestId"]
    spec.path(f"/{resource.name}.ics", operations={"get": _all(resource)}, parameters=shared[1:])
    spec.path(f"/{resource.name}/{{record_id}}.ics", operations={"get": _one(resource)}, parameters=shared)


def _all(resource: Resource) -> Doc:
    _, many = names(resource)
    choices: list[Any] = [
        query("sync_status", "Only records that stand so with the CRM.", text(enum=list(STATUSES))),
        query("q", "Only records with this text in a field, in any letter case.", exact()),
        query("updated_since", "Only records that changed at or after this time.", text(format="date-time")),
        "IfNoneMatch",
    ]
    return operation(
        resource.name, f"export{many}", f"All {resource.name} as a file",
        f"An iCalendar file (RFC 5545) for calendar programs, with at most {MOST_IN_A_FILE} records. It takes the "
        "filters of the listing. Rules, exceptions and time zones are in it.",
        parameters=choices,
        responses={**_file(resource), **refusals(400)},
    )  # fmt: skip


def _one(resource: Resource) -> Doc:
    return operation(
        resource.name, f"export{names(resource)[0]}", f"A {resource.singular} as a file",
        "An iCalendar file (RFC 5545) for calendar programs.",
        parameters=["IfNoneMatch"],
        responses={**_file(resource), **refusals(400, 404)},
    )  # fmt: skip


def _file(resource: Resource) -> Doc:
    example = FILE.format(name=resource.name)
    return {
        "200": answer("The file.", text(), example, "ETag", media=MEDIA),
        "304": answer("The caller has it already.", None, None, "ETag"),
    }
