"""Between our names and the CRM's: pure, both ways, from the declaration alone."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from app.core.errors import Messages
from app.core.record import Fields
from app.core.resource import Resource


def to_crm(resource: Resource, fields: Mapping[str, Any]) -> Fields:
    """Return the CRM's form of some of our fields; what stays here is left out."""
    return {crm: fields[name] for name, crm in _names(resource) if name in fields}


def from_crm(resource: Resource, fields: Mapping[str, Any]) -> tuple[Fields, Messages]:
    """Return our form of what the CRM said, and what of it we cannot take: (fields, messages by field).

    Names that we do not know are no concern of ours and are passed over.
    """
    mentioned = {name: fields[crm] for name, crm in _names(resource) if crm in fields}
    try:
        loaded = resource.partial.load(mentioned)
    except ValidationError as error:
        wrong = {str(name): [str(message) for message in found] for name, found in error.normalized_messages().items()}
        good = {name: value for name, value in mentioned.items() if name not in wrong}
        return good, wrong
    assert isinstance(loaded, dict)
    return loaded, {}


def _names(resource: Resource) -> list[tuple[str, str]]:
    return [(name, field.crm) for name, field in resource.fields.items() if field.crm]
