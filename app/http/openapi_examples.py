"""Values for the documents of the API, made from a declaration, so that every example is one that works."""

import re
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Any

from app.core.field import Field
from app.core.kinds import Email, Phone, format_time
from app.core.reference import Reference
from app.core.resource import Resource
from app.core.typed import Address, Choice, Count, Day, Days, Flag, Free, Moment, Names, TimeZone
from app.services.checks import wrong
from app.sync.delivery import Delivered

IDENTITY = "0190a6e2-7c1b-7d3f-8f43-5b2f1c9d0e11"
CRM_ID = "CRM123"
MOMENT = "2026-01-31T12:00:00.000Z"
DEFAULT_RESOURCE = Delivered().fields["resource"].load_default
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo")
STAND_INS: dict[type, Any] = {
    Email: "somebody@example.com", Phone: "+1 202-555-0142", Day: "2026-01-31", Moment: MOMENT, Flag: False, Count: 1,
    TimeZone: "UTC", Names: [], Days: [], Free: {}, Address: {},
}  # fmt: skip
"""What is shown for a field that was declared without an example."""


def value(field: Field) -> Any:
    """Return a value that the field takes. A reference is null where it may be."""
    if field.example is None and field.reference:
        return None if field.nullable else IDENTITY
    return STAND_INS.get(field.kind, "Example") if field.example is None else field.example


def other(field: Field, number: int = 1) -> Any:
    """Return another value that the field takes; of text, a different one for each number from 1 to 9."""
    now, kind = value(field), field.kind
    if issubclass(kind, Phone):
        return re.sub(r"\d(?=\D*$)", lambda digit: str((int(digit[0]) + number) % 10), now)
    if issubclass(kind, Email):
        return tagged(now, str(number))
    for of, change in OTHERS.items():
        if issubclass(kind, of):
            return change(field, now, number)
    return f"{now[: (field.length or len(now) + 2) - 2]} {number}"


def _other_choice(field: Field, now: Any, number: int) -> Any:
    assert issubclass(field.kind, Choice)
    words = [word for word in field.kind.choices if word != now]
    return words[(number - 1) % len(words)]


def _later(days: int, now: str) -> str:
    moment = datetime.fromisoformat(now) + timedelta(days=days)
    return moment.date().isoformat() if len(now) == len("2026-01-31") else str(format_time(moment))


OTHERS: dict[type, Callable[[Field, Any, int], Any]] = {
    Choice: _other_choice,
    TimeZone: lambda _, now, number: [zone for zone in ZONES if zone != now][number % (len(ZONES) - 1)],
    Reference: lambda _field, now, _number: now,
    Day: lambda _, now, number: _later(number, now),
    Moment: lambda _, now, number: _later(number, now),
    Flag: lambda _field, now, _number: not now,
    Count: lambda _, now, number: now + number,
    Days: lambda _, now, number: [*now, *(_later(number, day) for day in now[:1])],
    Names: lambda _, now, number: [*now, str(number)],
    Free: lambda _, now, number: {**now, "more": number},
}
"""How another value of a kind that is no open text is made: of the field, its value and a number."""


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
    """Return the field that examples edit: open text that nobody has to have alone, and that the CRM hears of."""
    fields = [field for field in resource.fields.values() if not field.unique] or list(resource.fields.values())
    return max(reversed(fields), key=lambda field: (bool(field.crm), field.kind.searchable, not field.reference))


def label(resource: Resource) -> Field:
    """Return the field of open text by which a person tells one record from another: the first one."""
    fields = list(resource.fields.values())
    return next((field for field in fields if field.kind.searchable), fields[0])


def patch(resource: Resource) -> dict[str, Any]:
    field = edited(resource)
    return {field.name: other(field)}


def step(resource: Resource, fields: Collection[str]) -> dict[str, Any]:
    """Return what a step sets."""
    return {name: other(resource.fields[name]) for name in fields}


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


def edit_of_many(resource: Resource) -> dict[str, Any]:
    """Return what became of an edit of one record."""
    after = {**shown(resource), **patch(resource), "sync_status": "pending", "version": 2}
    return {"success": True, "updated": 1, "failed": 0, "results": [{"status": 200, "record": after}]}
