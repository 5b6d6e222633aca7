"""The operations that belong to no resource, for the OpenAPI document: webhook, sync, health, documents."""

from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import EXCLUDE

from app.core.resource import Registry
from app.http import openapi_examples as examples
from app.http import operations
from app.http.errors import PROBLEM
from app.http.openapi_parts import (
    JSON,
    LONGEST_FILTER,
    Doc,
    answer,
    body,
    described,
    pages,
    parameter,
    problem,
    query,
    refusals,
    schema,
    text,
)  # fmt: skip
from app.sync import delivery
from app.sync.runs import DIRECTIONS

ALIASES = ("bidirectional",)
"""Accepted for `both`."""
TAGS = {
    "webhook": "What the CRM tells us.",
    "sync": "The sync itself: run it, see how it is, what it did, and where both sides disagreed.",
    "service": "Is it alive, is it ready, how is it going, and how is it used.",
}
ROOT_ONLY = ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/postman.json")
"""Served at the root only, not under the versioned prefix."""
ANYBODY: list[Doc] = []


def add_schemas(spec: APISpec, converter: OpenAPIConverter, registry: Registry) -> None:
    """Add what a delivery and an order to sync look like."""
    delivered = described(converter, delivery.Delivered(unknown=EXCLUDE))
    about = {
        "crm_id": "The record's id in the CRM.",
        "updated_fields": "The fields that changed, by the CRM's names; may be left out when the event is `deleted`.",
        "timestamp": "When it changed, by the CRM's clock (RFC 3339 with an offset).",
        "resource": "The kind of record.",
        "event": "What happened to it.",
        "version": "The record's version in the CRM after the change, if it counts them.",
        "external_id": "The record's id here, if the CRM keeps it.",
    }
    for name, description in about.items():
        delivered["properties"][name]["description"] = description
    delivered["properties"]["resource"]["enum"] = list(registry)
    spec.components.schema("Delivery", delivered)
    order = {
        "direction": text(enum=[*DIRECTIONS, *ALIASES], default="both", description="`bidirectional` is `both`."),
        "resources": {
            "type": "array",
            "items": text(enum=list(registry)),
            "description": "What to sync; everything when left out.",
        },
    }
    spec.components.schema("SyncOrder", {"type": "object", "properties": order, "additionalProperties": False})


def add_paths(spec: APISpec, registry: Registry) -> None:
    """Add the operations, with their tags."""
    for name, description in TAGS.items():
        spec.tag({"name": name, "description": description})
    request_id: list[Any] = ["RequestId"]
    run_id = parameter("path", "run_id", "The run's id.", text(), required=True)
    spec.path("/webhook", operations={"post": _webhook(registry)}, parameters=request_id)
    spec.path("/sync", operations={"post": _run(registry)}, parameters=request_id)
    spec.path("/sync/status", operations={"get": _status(registry)}, parameters=request_id)
    spec.path("/sync/runs", operations={"get": _runs(registry)}, parameters=request_id)
    spec.path("/sync/runs/{run_id}", operations={"get": _run_by_id(registry)}, parameters=[run_id, *request_id])
    spec.path("/sync/conflicts", operations={"get": _conflicts(registry)}, parameters=request_id)
    for path, operation in _service().items():
        spec.path(path, operations={"get": operation})


def _operation(tag: str, operation_id: str, summary: str, description: str, **more: Any) -> Doc:
    return {"operationId": operation_id, "tags": [tag], "summary": summary, "description": description, **more}


def _webhook(registry: Registry) -> Doc:
    resource = next(iter(registry.values()))
    one = examples.delivery(resource)
    unknown = {**one, "crm_id": "CRM124"}
    batch = {"type": "array", "items": schema("Delivery"), "minItems": 1, "maxItems": delivery.MOST}
    kinds = {"oneOf": [schema("Delivery"), batch]}
    outcome = {"outcome": "applied", "fields": list(examples.patch(resource)), "success": True}
    unsigned = problem(401, "unauthorized", "The caller did not prove who they are", "The webhook is not signed.")
    refused = refusals(400, 413, 415)
    refused["401"] = answer("The signature is missing, wrong or too old.", schema("Problem"), unsigned, media=PROBLEM)
    taken = {"oneOf": [schema("Outcome"), schema("BatchOutcome")]}
    parked = {"outcome": "parked", "fields": [], "success": True}
    return _operation(
        "webhook", "receiveWebhook", "Take in what changed in the CRM",
        "Signed by the Standard Webhooks headers over the raw body. In development, unsigned deliveries are taken "
        "too while no WEBHOOK_SECRET is set. A delivery that was taken in before is a `duplicate`; one that is older "
        f"than what is known is `stale`. A list of up to {delivery.MOST} is answered with an outcome for each.",
        security=ANYBODY,
        parameters=["WebhookId", "WebhookTimestamp", "WebhookSignature"],
        requestBody=body(kinds, {"one": ("One delivery", one), "batch": ("A batch", [one, unknown])}),
        responses={
            "200": answer("It was taken in.", taken, outcome),
            "202": answer("The record is not known yet, and is looked up in the CRM.", schema("Outcome"), parked),
            **refused,
        },
    )  # fmt: skip


def _run(registry: Registry) -> Doc:
    begun = answer(
        "The run has begun; `Location` says where to look.", schema("Run"), examples.run(list(registry), "running"),
        "Location", "Preference-Applied",
    )  # fmt: skip
    begun["links"] = {"readRun": {"operationId": "readRun", "parameters": {"run_id": "$response.body#/id"}}}
    given = {
        "everything": ("Everything, both ways", {"direction": "both"}),
        "pull": ("Only from the CRM", {"direction": "pull", "resources": list(registry)}),
    }
    return _operation(
        "sync", "runSync", "Sync now",
        "Takes in what changed in the CRM and pushes what is owed. The body may be left out. A CRM that cannot be "
        "reached makes the run `failed`; that is an answer too, not an error.",
        parameters=["Prefer"],
        requestBody=body(schema("SyncOrder"), given, required=False),
        responses={
            "200": answer("The run, at its end.", schema("Run"), examples.run(list(registry))),
            "202": begun,
            **refusals(400, 413, 415),
        },
    )  # fmt: skip


def _status(registry: Registry) -> Doc:
    found = answer("How the sync is.", schema("SyncStatus"), examples.status(list(registry)))
    return _operation(
        "sync", "readSyncStatus", "Is the sync healthy?",
        "For each resource, what is owed in each direction and for how long; and whether the CRM answers.",
        responses={"200": found, **refusals()},
    )  # fmt: skip


def _listed(one: Doc) -> Doc:
    page = {"page": 1, "per_page": operations.PER_PAGE, "total": 1, "pages": 1, "next_cursor": None}
    return {"data": [one], "pagination": page}


def _runs(registry: Registry) -> Doc:
    found = answer("A page of runs.", schema("Runs"), _listed(examples.run(list(registry))))
    found["links"] = {"readRun": {"operationId": "readRun", "parameters": {"run_id": "$response.body#/data/0/id"}}}
    return _operation(
        "sync", "listRuns", "List runs", "Newest first; those of the worker and of commands too.",
        parameters=pages(operations.PER_PAGE),
        responses={"200": found, **refusals(400)},
    )  # fmt: skip


def _run_by_id(registry: Registry) -> Doc:
    found = answer("The run.", schema("Run"), examples.run(list(registry)))
    return _operation(
        "sync", "readRun", "Read a run", "What it did, and whether it has ended.",
        responses={"200": found, **refusals(404)},
    )  # fmt: skip


def _conflicts(registry: Registry) -> Doc:
    resource = next(iter(registry.values()))
    found = answer("A page of conflicts.", schema("Conflicts"), _listed(examples.conflict(resource)))
    exact = text(maxLength=LONGEST_FILTER)
    return _operation(
        "sync", "listConflicts", "List conflicts",
        "Newest first: what both sides changed, with both values, who won and why.",
        parameters=[
            *pages(operations.PER_PAGE),
            query("status", "`open` ones wait for a person.", text(enum=["open", "resolved"])),
            query("resource", "Only those of one resource.", text(enum=list(registry))),
            query("kind", "Only those of one kind.", text(enum=list(operations.KINDS))),
            query("field", "Only those about one field.", exact),
            query("record_id", "Only those of one record.", exact),
        ],
        responses={"200": found, **refusals(400)},
    )  # fmt: skip


def _service() -> dict[str, Doc]:
    ready = {"status": "ready", "checks": {"database": "ok", "migrations": "ok", "queue": "ok", "crm": "ok"}}
    unready = {"status": "not ready", "checks": {"database": "unavailable"}}
    anybody = {key: found for key, found in refusals().items() if key in {"403", "default"}}
    inside = {key: found for key, found in refusals().items() if key != "503"}
    page = answer("A page.", text(), media="text/html")
    json_object = {"type": "object"}
    return {
        "/healthz": _operation(
            "service", "readLiveness", "Is it alive?", "Asks nothing of anybody.", security=ANYBODY,
            responses={"200": answer("It is.", schema("Liveness"), {"status": "ok"}), **anybody},
        ),
        "/readyz": _operation(
            "service", "readReadiness", "Is it ready?",
            "A CRM that does not answer is shown, but does not make the service unready: it stores.", security=ANYBODY,
            responses={
                "200": answer("Requests can be served.", schema("Readiness"), ready),
                "503": answer("They cannot.", schema("Readiness"), unready),
                **anybody,
            },
        ),
        "/metrics": _operation(
            "service", "readMetrics", "How is it going?", "For Prometheus, in its text format.",
            responses={"200": answer("The metrics.", text(), media="text/plain"), **refusals()},
        ),
        "/openapi.json": _operation(
            "service", "readOpenAPI", "This document", "OpenAPI 3.1.",
            responses={"200": answer("The document.", json_object, media=JSON), **inside},
        ),
        "/docs": _operation(
            "service", "readDocs", "The explorer", "This document as a page on which every operation can be tried.",
            responses={"200": page, **inside},
        ),
        "/postman.json": _operation(
            "service", "readPostman", "The Postman collection",
            "Made from this document; each request comes with its tests.",
            responses={"200": answer("The collection, format 2.1.", json_object, media=JSON), **inside},
        ),
    }  # fmt: skip
