"""The operations that ask nothing of the sync, for the OpenAPI document: webhook, health, documents."""

from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import EXCLUDE

from app.core.resource import Registry
from app.http import openapi_examples as examples
from app.http.errors import PROBLEM
from app.http.openapi_parts import (
    JSON,
    Doc,
    answer,
    body,
    described,
    operation,
    refusals,
    schema,
    text,
)  # fmt: skip
from app.http.openapi_problems import problem
from app.sync import delivery

TAGS = {
    "webhook": "What the CRM tells us.",
    "sync": "The sync itself: run it, see how it is, what it would do, and whether both sides are in step.",
    "runs": "What runs did, and the way back.",
    "conflicts": "Where both sides disagreed: decide, once or from now on.",
    "service": "Is it alive, is it ready, how is it going, and how is it used.",
}
ROOT_ONLY = ("/healthz", "/readyz", "/metrics", "/openapi.json", "/docs", "/postman.json")
"""Served at the root only, not under the versioned prefix."""
ANYBODY: list[Doc] = []


def add_schemas(spec: APISpec, converter: OpenAPIConverter, registry: Registry) -> None:
    """Add what a delivery looks like."""
    delivered = described(converter, delivery.Delivered(unknown=EXCLUDE))
    about = {
        "crm_id": "The record's id in the CRM.",
        "updated_fields": "The fields that changed, by the CRM's names; may be left out when the event is `deleted`.",
        "timestamp": "When it changed, by the CRM's clock (RFC 3339 with an offset).",
        "resource": "The kind of record.",
        "event": "What happened to it.",
        "version": "The record's version in the CRM after the change, if it counts them.",
        "external_id": "The record's id here, if the CRM keeps it.",
        "merged_into": "With `deleted`: the record that it was merged into.",
    }
    for name, description in about.items():
        delivered["properties"][name]["description"] = description
    delivered["properties"]["resource"]["enum"] = list(registry)
    if examples.DEFAULT_RESOURCE not in registry:
        del delivered["properties"]["resource"]["default"]
        delivered["required"].append("resource")
    delivered["properties"]["updated_fields"] |= _updated(converter, registry)
    deleted: Doc = {"properties": {"event": {"const": "deleted"}}, "required": ["event"]}
    delivered["anyOf"] = [{"required": ["updated_fields"]}, deleted]
    spec.components.schema("Delivery", delivered)


def _updated(converter: OpenAPIConverter, registry: Registry) -> Doc:
    """Return which values the fields of a delivery may have, where its resource leaves no doubt."""
    if len(registry) > 1:
        return {}
    (resource,) = registry.values()
    written = described(converter, resource.partial)["properties"]
    return {"properties": {field.crm: written[name] for name, field in resource.fields.items() if field.crm}}


def add_paths(spec: APISpec, registry: Registry) -> None:
    """Add the operations, with all tags that are no resource's."""
    for name, description in TAGS.items():
        spec.tag({"name": name, "description": description})
    request_id: list[Any] = ["RequestId"]
    spec.path("/webhook", operations={"post": _webhook(registry)}, parameters=request_id)
    for path, described_ in _service().items():
        spec.path(path, operations={"get": described_})


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
    return operation(
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


def _service() -> dict[str, Doc]:
    ready = {"status": "ready", "checks": {"database": "ok", "migrations": "ok", "queue": "ok", "crm": "ok"}}
    unready = {"status": "not ready", "checks": {"database": "unavailable"}}
    anybody = {key: found for key, found in refusals().items() if key in {"403", "default"}}
    inside = {key: found for key, found in refusals().items() if key != "503"}
    page = answer("A page.", text(), media="text/html")
    json_object = {"type": "object"}
    return {
        "/healthz": operation(
            "service", "readLiveness", "Is it alive?", "Asks nothing of anybody.", security=ANYBODY,
            responses={"200": answer("It is.", schema("Liveness"), {"status": "ok"}), **anybody},
        ),
        "/readyz": operation(
            "service", "readReadiness", "Is it ready?",
            "A CRM that does not answer is shown, but does not make the service unready: it stores.", security=ANYBODY,
            responses={
                "200": answer("Requests can be served.", schema("Readiness"), ready),
                "503": answer("They cannot.", schema("Readiness"), unready),
                **anybody,
            },
        ),
        "/metrics": operation(
            "service", "readMetrics", "How is it going?", "For Prometheus, in its text format.",
            responses={"200": answer("The metrics.", text(), media="text/plain"), **refusals()},
        ),
        "/openapi.json": operation(
            "service", "readOpenAPI", "This document", "OpenAPI 3.1.",
            responses={"200": answer("The document.", json_object, media=JSON), **inside},
        ),
        "/docs": operation(
            "service", "readDocs", "The explorer", "This document as a page on which every operation can be tried.",
            responses={"200": page, **inside},
        ),
        "/postman.json": operation(
            "service", "readPostman", "The Postman collection",
            "Made from this document; each request comes with its tests.",
            responses={"200": answer("The collection, format 2.1.", json_object, media=JSON), **inside},
        ),
    }  # fmt: skip
