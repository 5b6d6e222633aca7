"""Schemas made from a declaration: what may be written, and how a refusal is worded."""

from collections.abc import Mapping
from typing import Any

from marshmallow import RAISE, Schema, ValidationError, validate

from app.core.errors import Invalid, Messages
from app.core.field import Field
from app.core.reference import LONGEST_CRM_ID

READ_ONLY = ("id", "sync_status", "sync_error", "crm_id", "version", "created_at", "last_updated")


def record_schema(name: str, fields: Mapping[str, Field], *, partial: bool = False, from_crm: bool = False) -> Schema:
    """Return the schema that reads a record's fields from JSON; unknown names are refused."""
    members: dict[str, Any] = {field.name: _member(field, from_crm=from_crm) for field in fields.values()}
    made = Schema.from_dict(members, name=f"{name}{'Patch' if partial else ''}")
    return made(unknown=RAISE, partial=partial)


def _member(field: Field, *, from_crm: bool) -> Any:
    about: dict[str, Any] = {
        "required": field.required,
        "allow_none": field.nullable,
        "validate": [] if field.length is None else [validate.Length(max=field.length)],
        "metadata": {} if field.example is None else {"examples": [field.example]},
    }
    if field.default is not None:
        about["load_default"] = field.absent
    if from_crm and field.reference:
        about["validate"] = [validate.Length(max=LONGEST_CRM_ID)]
    return field.kind.told(**about) if from_crm else field.kind.member(**about)


def load(schema: Schema, body: object) -> dict[str, Any]:
    """Read `body` with `schema`. Raises Invalid with every wrong field named."""
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object.")
    try:
        loaded = schema.load(body)
    except ValidationError as error:
        messages = {name: _worded(name, found) for name, found in error.normalized_messages().items()}
        raise Invalid(summary(messages), errors=messages) from error
    assert isinstance(loaded, dict)
    return loaded


def summary(errors: Messages) -> str:
    """Return one readable sentence that names every wrong field."""
    return " ".join(f"{name}: {' '.join(messages)}" for name, messages in errors.items())


def _worded(name: str, found: object) -> list[str]:
    messages = _flat(found)
    if messages == ["Unknown field."] and name in READ_ONLY:
        return ["Is set by the service; leave it out."]
    return messages


def _flat(found: object) -> list[str]:
    if isinstance(found, dict):
        return [f"{name}: {message}" for name, inner in found.items() for message in _flat(inner)]
    if isinstance(found, list):
        return [message for inner in found for message in _flat(inner)]
    return [str(found)]
