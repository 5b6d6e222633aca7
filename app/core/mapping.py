"""Between our names and the CRM's: pure, both ways, from the declaration alone."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from app.core.errors import Messages
from app.core.field import Field
from app.core.record import Fields, same
from app.core.resource import Resource


def to_crm(resource: Resource, fields: Mapping[str, Any], links: Mapping[str, str | None] | None = None) -> Fields:
    """Return the CRM's form of some of our fields; what stays here is left out.

    `links` is the CRM's id by ours of what the fields refer to; without it references stay as they are.
    """
    given = [field for field in resource.fields.values() if field.crm and field.name in fields]
    return {field.crm: _to_crm(field, fields[field.name], links) for field in given if field.crm}


def from_crm(
    resource: Resource, fields: Mapping[str, Any], known: Mapping[str, Any] | None = None
) -> tuple[Fields, Messages]:
    """Return our form of what the CRM said, and what of it we cannot take: (fields, messages by field).

    Names that we do not know are no concern of ours and are passed over; references stay as they are. `known` is our
    form of what it said before: the same words mean the same, and are not looked at again.
    """
    mentioned = _mentioned(resource, fields)
    same = {} if known is None else _same(resource, fields, known)
    new = {name: value for name, value in mentioned.items() if name not in same}
    try:
        return same | _read(resource, new), {}
    except ValidationError as error:
        wrong = {str(name): [str(message) for message in found] for name, found in error.normalized_messages().items()}
        good = {name: value for name, value in new.items() if name not in wrong}
        return same | _read(resource, good), wrong


def kept(resource: Resource, fields: Mapping[str, Any]) -> Fields:
    """Return our form of what we kept in the CRM's: it was looked at when it came in."""
    return _mentioned(resource, fields)


def _mentioned(resource: Resource, fields: Mapping[str, Any]) -> Fields:
    named = [(field, field.crm) for field in resource.fields.values() if field.crm]
    return {field.name: field.from_crm(fields[theirs]) for field, theirs in named if theirs in fields}


def _same(resource: Resource, fields: Mapping[str, Any], known: Mapping[str, Any]) -> Fields:
    about = [field for field in resource.fields.values() if field.crm in fields and field.name in known]
    return {field.name: known[field.name] for field in about
            if not field.reference and _is_one(field.to_crm(known[field.name]), fields[field.crm or ""])}  # fmt: skip


def _is_one(ours: Any, theirs: Any) -> bool:
    return type(ours) is type(theirs) and same(ours, theirs)


def _read(resource: Resource, good: Fields) -> Fields:
    if not good:
        return {}
    loaded = resource.told.load(good)
    assert isinstance(loaded, dict)
    return loaded


def _to_crm(field: Field, value: Any, links: Mapping[str, str | None] | None) -> Any:
    if field.reference and links is not None and value is not None:
        return links.get(value)
    return field.to_crm(value)
