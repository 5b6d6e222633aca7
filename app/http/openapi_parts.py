"""What many operations of the OpenAPI document have in common: parameters, headers and refusals."""

from http import HTTPStatus
from typing import Any

from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema

from app.core.resource import Resource
from app.crm import signature
from app.http import paging
from app.http.openapi_kinds import PLAIN

Doc = dict[str, Any]
"""A piece of the document."""
JSON = "application/json"


def names(resource: Resource) -> tuple[str, str]:
    """Return the names of one record and of many, as they are part of other names: `User`, `Users`."""
    many = "".join(word.capitalize() for word in resource.name.split("-"))
    return resource.singular.title().replace(" ", ""), many


def a(resource: Resource) -> str:
    """Return one record in words: `a user`, `an interaction`."""
    return f"{'an' if resource.singular[0] in 'aeio' else 'a'} {resource.singular}"


def described(converter: OpenAPIConverter, schema_: Schema) -> Doc:
    """Return the JSON Schema of a schema."""
    found: Doc = converter.schema2jsonschema(schema_)  # type: ignore[no-untyped-call]
    return found


def operation(tag: str, operation_id: str, summary: str, description: str, **more: Any) -> Doc:
    return {"operationId": operation_id, "tags": [tag], "summary": summary, "description": description, **more}


def of_resource(resource: Resource, verb: str, summary: str, description: str, **more: Any) -> Doc:
    """Return an operation on records; `{0}` and `{1}` in its id are the names of one and of many."""
    return operation(resource.name, verb.format(*names(resource)), summary, description, **more)


def ref(kind: str, key: str) -> Doc:
    return {"$ref": f"#/components/{kind}/{key}"}


def schema(key: str) -> Doc:
    return ref("schemas", key)


def parameter(where: str, key: str, description: str, type_: Doc, *, required: bool = False) -> Doc:
    needed = {"required": True} if required else {}
    return {"name": key, "in": where, "description": description, **needed, "schema": type_}


def query(key: str, description: str, type_: Doc) -> Doc:
    return parameter("query", key, description, type_)


def text(**more: Any) -> Doc:
    return {"type": "string", **more}


def exact(**more: Any) -> Doc:
    """Return the schema of text that is compared with what is stored."""
    return text(maxLength=paging.LONGEST_TEXT, pattern=PLAIN, **more)


def number(least: int, most: int, default: int | None = None) -> Doc:
    chosen = {} if default is None else {"default": default}
    return {"type": "integer", "minimum": least, "maximum": most, **chosen}


def pages(per_page: int) -> list[Doc]:
    """Return the parameters that choose a page by its number."""
    return [
        query("page", "Which page, from 1.", number(1, paging.LAST_PAGE, 1)),
        query("per_page", "Most items on a page.", number(1, paging.MOST, per_page)),
    ]


def listed(per_page: int, *items: Any) -> Doc:
    """Return an example of a page."""
    pagination = {"page": 1, "per_page": per_page, "total": len(items), "pages": 1, "next_cursor": None}
    return {"data": list(items), "pagination": pagination}


def order(*needed: str, **members: Doc) -> Doc:
    """Return the schema of a body that takes these members and no other; those named first must be there."""
    required = {"required": list(needed)} if needed else {}
    return {"type": "object", **required, "properties": members, "additionalProperties": False}


def flag(description: str) -> Doc:
    return {"type": "boolean", "default": False, "description": description}


def answer(description: str, type_: Doc | None = None, example: Any = None, *headers: str, media: str = JSON) -> Doc:
    """Return a response; every one carries X-Request-Id, and those that are named."""
    found: Doc = {
        "description": description,
        "headers": {key: ref("headers", key) for key in (*headers, "X-Request-Id")},
    }
    if type_ is not None:
        found["content"] = {media: {"schema": type_} | ({} if example is None else {"example": example})}
    return found


def body(type_: Doc, examples: dict[str, tuple[str, Any]], *media: str, required: bool = True) -> Doc:
    """Return a request body with named examples: name → (summary, value)."""
    shown = {key: {"summary": summary, "value": value} for key, (summary, value) in examples.items()}
    content = {kind: {"schema": type_, "examples": shown} for kind in (media or (JSON,))}
    return {"required": required, "content": content}


def refusals(*statuses: int) -> Doc:
    """Return the problems that an operation answers with: those named, and those of every operation."""
    every = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE)
    found = {str(int(status)): ref("responses", RESPONSE_OF[status]) for status in sorted({*statuses, *every})}
    return {**found, "default": ref("responses", "Problem")}


DECIDED: Doc = {"409": ref("responses", "Decided")}
"""What operations say of 409 that are about a decision, after their `refusals`."""
RESPONSE_OF: dict[int, str] = {
    400: "Invalid", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Taken", 412: "Stale",
    413: "TooLarge", 415: "Unsupported", 422: "KeyReused", 503: "NotNow",
}  # fmt: skip


SOMETIMES = ("Idempotency-Replayed", "Retry-After")
"""Response headers that do not come with every answer that may have them."""


def headers() -> dict[str, Doc]:
    """Return the response headers."""
    told = {
        "ETag": "The record's version and a mark for its sync; for `If-None-Match` and `If-Match`.",
        "Location": "Where the thing that was made or begun is.",
        "Link": "`first`, `prev`, `next` and `last` page (RFC 8288).",
        "Preference-Applied": "`respond-async` when that was honoured.",
        "Idempotency-Replayed": "`true` when this is the answer to an earlier request with the same key.",
        "WWW-Authenticate": "`Bearer`.",
        "X-Request-Id": "The request's id in the log: the one that was sent, or a new one.",
    }
    found: dict[str, Doc] = {key: {"description": about, "schema": text()} for key, about in told.items()}
    found["Retry-After"] = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}}
    return {key: header | ({} if key in SOMETIMES else {"required": True}) for key, header in found.items()}


def parameters() -> dict[str, Doc]:
    """Return the request headers."""
    told: dict[str, tuple[str, str, Doc]] = {
        "RequestId": (
            "X-Request-Id",
            "An id for the log, up to 128 printable characters; another is made if not.",
            text(),
        ),
        "IfMatch": ("If-Match", "The ETag of the version to change, or several; 412 when it is another now.", text()),
        "IfNoneMatch": ("If-None-Match", "The ETag that the caller has; 304 when it is still the right one.", text()),
        "Prefer": ("Prefer", "`respond-async` answers at once and leaves the CRM for later (RFC 7240).", text()),
        "IdempotencyKey": (
            "Idempotency-Key",
            "Makes it safe to repeat the request: the same key gets the same answer for 24 hours.",
            text(minLength=1, maxLength=255, pattern=r"^[\x21-\x7e]{1,255}$"),
        ),
        "WebhookId": (
            signature.ID,
            "The delivery's id; the same id is taken in once. With the other two, or none of them.",
            text(minLength=1, maxLength=signature.LONGEST_ID),
        ),
        "WebhookTimestamp": (
            signature.TIMESTAMP,
            f"Unix seconds, at most {signature.TOLERANCE} s from now.",
            text(pattern="^[0-9]{1,12}$"),
        ),
        "WebhookSignature": (
            signature.SIGNATURE,
            "`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`; several are separated by spaces.",
            text(),
        ),
    }
    return {key: parameter("header", *about) for key, about in told.items()}
