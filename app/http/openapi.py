"""The OpenAPI document of the API, made from the declared resources."""

from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin

from app.core.resource import Registry
from app.http import (
    openapi_calendar,
    openapi_conflict_schemas,
    openapi_conflicts,
    openapi_kinds,
    openapi_lookback,
    openapi_many,
    openapi_parts,
    openapi_problems,
    openapi_records,
    openapi_relations,
    openapi_run_schemas,
    openapi_runs,
    openapi_schemas,
    openapi_search,
    openapi_service,
    openapi_status_schemas,
    openapi_sync,
)  # fmt: skip

TITLE, VERSION = "crm-sync", "1.0.0"
ROOT = {"url": "/", "description": "The API."}
SERVERS = [ROOT, {"url": "/api/v1", "description": "The same, with its version."}]
DESCRIPTION = """\
Keeps the records of an application and a CRM in step, both ways.

**Values.** JSON in UTF-8, names in snake_case, times in RFC 3339 UTC with milliseconds, ids as UUIDs.
A body is strict JSON of at most 1 MiB and 50 levels: no name twice in an object, no NUL, no half of a surrogate pair,
no number beyond 64 bits.

**Errors.** Every error of every route is `application/problem+json` (RFC 9457). `code` is for programs, `errors` names
each wrong field, `error` is one readable sentence, `request_id` finds the request in the log. A path that exists
answers a method that it does not take with 405 and `Allow`.

**Who may call.** In development anybody on this machine, without a token. In production every call needs
`Authorization: Bearer` with one of `API_TOKENS`, except `/healthz`, `/readyz` and `/webhook`, which proves itself by
its signature.

**Safe repeats.** A POST with an `Idempotency-Key` may be sent again: it gets the first answer. A PUT, PATCH or DELETE
with `If-Match`, or with `version` in the body, is refused with 412 when somebody else was faster.

**Waiting.** A write answers after one push to the CRM, within a few seconds. With `Prefer: respond-async` it answers at
once, and `sync_status` is `pending` until the push has been made.

**For front ends.** Under `/api` the same operations speak camelCase, with every answer inside `{"success", "data",
"error", "pagination"}`; that dialect is described at `/api/openapi.json`.

**References.** A field that names a record of another resource holds its id here, and the record must be there. The CRM
is told that record's `crm_id`; a record is pushed after those that it refers to.
"""
BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": "One of API_TOKENS. Needed in production only; in development leave it out.",
}


def build(registry: Registry) -> dict[str, Any]:
    """Return the document."""
    plugin = MarshmallowPlugin()
    spec = APISpec(
        title=TITLE,
        version=VERSION,
        openapi_version="3.1.0",
        plugins=[plugin],
        info={"description": DESCRIPTION},
        servers=SERVERS,
        security=[{"bearer": []}, {}],
    )
    assert plugin.converter is not None
    plugin.converter.add_attribute_function(openapi_kinds.spelling)  # type: ignore[no-untyped-call]
    spec.components.security_scheme("bearer", BEARER)
    for schemas in (openapi_schemas, openapi_run_schemas, openapi_status_schemas, openapi_conflict_schemas):
        for schema in schemas.SHOWN:
            spec.components.schema(schema.__name__, schema=schema)
    for name, parameter in openapi_parts.parameters().items():
        spec.components.parameter(name, "header", parameter)
    for name, header in openapi_parts.headers().items():
        spec.components.header(name, header)
    for name, response in openapi_problems.responses().items():
        spec.components.response(name, response)
    for resource in registry.values():
        openapi_records.add_schemas(spec, plugin.converter, resource)
        openapi_records.add_paths(spec, resource)
        openapi_many.add(spec, resource)
        openapi_lookback.add(spec, resource)
        openapi_calendar.add(spec, resource)
        openapi_relations.add(spec, plugin.converter, resource)
    openapi_service.add_schemas(spec, plugin.converter, registry)
    openapi_service.add_paths(spec, registry)
    for operations in (openapi_search, openapi_sync, openapi_runs, openapi_conflicts):
        operations.add(spec, registry)
    document = spec.to_dict()
    for path in openapi_service.ROOT_ONLY:
        document["paths"][path]["servers"] = [ROOT]
    return document
