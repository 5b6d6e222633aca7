"""Values for the documents of the API, made from a declaration, so that every example is one that works."""

import re
from typing import Any

from app.core.field import Field
from app.core.kinds import Email, Phone
from app.core.resource import Resource
from app.services.checks import wrong
from app.sync.delivery import Delivered

IDENTITY = "0190a6e2-7c1b-7d3f-8f43-5b2f1c9d0e11"
CRM_ID = "CRM123"
MOMENT = "2026-01-31T12:00:00.000Z"
DEFAULT_RESOURCE = Delivered().fields["resource"].load_default
STAND_INS: dict[type, str] = {Email: "somebody@example.com", Phone: "+1 202-555-0142"}
"""What is shown for a field that was declared without an example."""


def value(field: Field) -> Any:
    """Return a value that the field takes."""
    return STAND_INS.get(field.kind, "Example") if field.example is None else field.example


def other(field: Field, number: int = 1) -> Any:
    """Return another value that the field takes; a different one for each number from 1 to 9."""
    text = str(value(field))
    if issubclass(field.kind, Phone):
        return re.sub(r"\d(?=\D*$)", lambda digit: str((int(digit[0]) + number) % 10), text)
    if issubclass(field.kind, Email):
        return tagged(text, str(number))
    return f"{text[: (field.length or len(text) + 2) - 2]} {number}"


def tagged(text: str, tag: str) -> str:
    """Make a value that nobody else has: a tag before the @ of an address, at the end of anything else."""
    return re.sub(r"@", f"+{tag}@", text, count=1) if "@" in text else f"{text} {tag}"


def whole(resource: Resource) -> dict[str, Any]:
    """Return every field; null where the examples of the fields do not go together."""
    made = {name: value(field) for name, field in resource.fields.items()}
    return made | dict.fromkeys(wrong(resource, made))


def least(resource: Resource) -> dict[str, Any]:
    """Return the fewest fields that make a record; their unique ones are not those of `whole`."""
    required = {name: field for name, field in resource.fields.items() if field.required}
    return {name: other(field) if field.unique else value(field) for name, field in required.items()}


def edited(resource: Resource) -> Field:
    """Return the field that examples edit: one that nobody has to have alone, and that the CRM hears of."""
    fields = [field for field in resource.fields.values() if field.crm] or list(resource.fields.values())
    return next((field for field in reversed(fields) if not field.unique), fields[-1])


def patch(resource: Resource) -> dict[str, Any]:
    field = edited(resource)
    return {field.name: other(field)}


def shown(resource: Resource) -> dict[str, Any]:
    """Return a record as the API shows it."""
    return {
        "id": IDENTITY,
        **whole(resource),
        "sync_status": "synced",
        "sync_error": None,
        "crm_id": CRM_ID,
        "version": 1,
        "created_at": MOMENT,
        "last_updated": MOMENT,
    }


def changes(resource: Resource) -> dict[str, Any]:
    field = edited(resource)
    entry = {"id": 2, "at": MOMENT, "by": "webhook", "field": field.name, "from": value(field), "to": other(field)}
    return {"data": [{**entry, "version": 2, "run_id": None}]}


def delivery(resource: Resource, number: int = 1) -> dict[str, Any]:
    """Return what the CRM says when its staff edit a record."""
    field = edited(resource)
    edit = {field.crm or field.name: other(field, number)}
    named = {} if resource.name == DEFAULT_RESOURCE else {"resource": resource.name}
    return {"crm_id": CRM_ID, "updated_fields": edit, "timestamp": "2026-01-31T12:00:00Z", **named}


def conflict(resource: Resource) -> dict[str, Any]:
    field = edited(resource)
    return {
        "id": "0190a6e4-11d0-7e2b-b3c7-6a9df2e8a001",
        "resource": resource.name,
        "record_id": IDENTITY,
        "crm_id": CRM_ID,
        "kind": "field",
        "field": field.name,
        "last_told": value(field),
        "local": other(field, 1),
        "crm": other(field, 2),
        "policy": "crm_wins",
        "status": "resolved",
        "resolution": "crm",
        "note": None,
        "run_id": None,
        "created_at": MOMENT,
        "resolved_at": MOMENT,
        "resolved_by": "policy",
    }


def rule(resource: Resource) -> dict[str, Any]:
    scope = f"{resource.name}.{edited(resource).name}"
    return {"field": scope, "policy": "local_wins", "set_by": "api", "set_at": MOMENT}


def explanation(resource: Resource) -> dict[str, Any]:
    def field(one: Field) -> dict[str, Any]:
        told = value(one) if one.crm else None
        by = {"set_by": "webhook", "set_at": MOMENT, "run_id": None}
        return {"value": value(one), **by, "crm": told, "synced": bool(one.crm), "owed": False, "held": False}

    sentence = f"This {resource.singular} is in step with {CRM_ID}."
    return {
        "record_id": IDENTITY,
        "sync_status": "synced",
        "summary": sentence,
        "text": [sentence],
        "fields": {name: field(one) for name, one in resource.fields.items()},
        "owed": None,
        "decisions": [conflict(resource)],
        "told": [],
        "advice": None,
    }


def batch(resource: Resource) -> dict[str, Any]:
    """Return what became of two records, one of which cannot be."""
    detail = "Missing data for required field."
    needed = [name for name, field in resource.fields.items() if field.required]
    refused = {
        "status": 400,
        "code": "invalid",
        "detail": " ".join(f"{name}: {detail}" for name in needed),
        "errors": {name: [detail] for name in needed},
    }
    stored = {"status": 201, "record": shown(resource) | {"sync_status": "pending", "crm_id": None}}
    return {"success": False, "created": 1, "failed": 1, "results": [stored, refused]}
