"""The requests of the Postman collection that play the CRM: an edit by its staff, and the webhooks it sends."""

import json
from typing import Any

from app.http import openapi_examples as examples
from app.http.postman_parts import Doc, Step, crm_request, equals, folder, has, named
from app.http.postman_records import Flow

CRM_VARIABLES = {
    "crmUrl": "http://127.0.0.1:8001",
    "crmClientId": "demo-client",
    "crmClientSecret": "demo-secret",
    "crmToken": "",
}
NO_AUTH = {"type": "noauth"}
CRM_TOKEN = {"type": "bearer", "bearer": [{"key": "token", "value": "{{crmToken}}", "type": "string"}]}
NOW = ('pm.collectionVariables.set("moment", new Date().toISOString());',)


def edit_in_crm(flow: Flow) -> Doc:
    """Edit the record in the CRM, as its staff would, and wait until the edit is here."""
    field = examples.edited(flow.resource)
    new = examples.other(field, 2)
    client = {"client_id": "{{crmClientId}}", "client_secret": "{{crmClientSecret}}"}
    token = Step(
        f"{flow.many}: get a token of the CRM",
        200,
        client,
        checks={"it is a bearer token": equals("body.token_type", "Bearer")},
        keeps={"crmToken": "body.access_token"},
    )
    edit = Step(
        f"{flow.many}: edit the {flow.word} in the CRM",
        200,
        {field.crm: new},
        checks={"the CRM has it": has(field.crm or field.name, new)},
    )
    here = Step(
        f"{flow.many}: read the {flow.word} here until the edit shows",
        200,
        ids=flow.identity,
        until=f"body[{json.dumps(field.name)}] === {json.dumps(new)}",
        checks={"the edit is here": has(field.name, new), "it is in step": equals("body.sync_status", "synced")},
    )
    who = {"the CRM made it": 'pm.expect(body.data[0].by).to.be.oneOf(["webhook", "pull"]);'}
    changes = Step(f"{flow.many}: see who made the edit", 200, ids=flow.identity, checks=who)
    place = f"{{{{crmUrl}}}}{flow.resource.crm_path}/{flow.variable('CrmId')}"
    items = [
        crm_request(token, "POST", "{{crmUrl}}/crm/token", "Client credentials (RFC 6749).", NO_AUTH),
        crm_request(edit, "PATCH", place, "What the CRM's staff do on their page.", CRM_TOKEN),
        flow.request("read{0}", here),
        flow.request("list{0}Changes", changes),
    ]
    return folder(f"{flow.many}: edited in the CRM", "It arrives here by webhook, or with the next pull.", items)


def webhook(flow: Flow) -> Doc:
    """Post unsigned webhooks, as a developer's curl would."""
    number = 3
    known = _delivery(flow, flow.variable("CrmId"), number)
    field = examples.edited(flow.resource)
    new = examples.other(field, number)
    unknown = _delivery(flow, "unknown-{{run}}", number)
    old = _delivery(flow, flow.variable("CrmId"), number + 1) | {"timestamp": "2020-01-01T00:00:00Z"}
    wrong = named("crm_id", "timestamp")
    bad = {"webhook-id": "msg_{{run}}", "webhook-timestamp": "1700000000", "webhook-signature": "v1,bm9uc2Vuc2U="}
    shows = {"it shows": has(field.name, new)}
    steps: list[tuple[str, Step]] = [
        ("receiveWebhook", _step(flow, "a webhook is applied", 200, known, "applied", before=NOW)),
        ("receiveWebhook", _step(flow, "the same webhook again", 200, known, "duplicate")),
        ("receiveWebhook", _step(flow, "a webhook that comes too late", 200, old, "stale")),
        ("read{0}", Step(f"{flow.many}: read what the webhook changed", 200, ids=flow.identity, checks=shows)),
        ("receiveWebhook", _step(flow, "a webhook about an unknown record", 202, unknown, "parked", before=NOW)),
        ("receiveWebhook", _batch(flow, [known, unknown | {"crm_id": ""}])),
        ("receiveWebhook", Step(f"{flow.many}: a malformed webhook", 400, {"updated_fields": {}}, checks=wrong)),
        ("receiveWebhook", Step(f"{flow.many}: a webhook with a wrong signature", 401, known, headers=bad)),
    ]
    items = [flow.request(verb, step) for verb, step in steps]
    return folder(f"{flow.many}: webhooks", "Unsigned, which only a service in development takes.", items)


def _delivery(flow: Flow, crm_id: str, number: int) -> dict[str, Any]:
    return examples.delivery(flow.resource, number) | {"crm_id": crm_id, "timestamp": "{{moment}}"}


def _step(flow: Flow, title: str, status: int, body: Any, outcome: str, *, before: tuple[str, ...] = ()) -> Step:
    checks = {f"it is {outcome}": equals("body.outcome", outcome)}
    return Step(f"{flow.many}: {title}", status, body, checks=checks, before=before)


def _batch(flow: Flow, deliveries: list[dict[str, Any]]) -> Step:
    outcomes = 'pm.expect(body.results.map((one) => one.outcome)).to.eql(["unchanged", "invalid"]);'
    title, checks = f"{flow.many}: a batch of webhooks, one malformed", {"each has its own": outcomes}
    return Step(title, 200, deliveries, before=NOW, checks=checks)
