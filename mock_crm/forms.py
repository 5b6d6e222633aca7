"""Puts records into forms, which know only text, and reads what people changed in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mock_crm.fields import Draft, Errors, Resource


@dataclass(frozen=True)
class Form:
    """What a form shows: texts as they were stored or sent, and what is wrong with them."""

    texts: dict[str, str]
    errors: Errors = field(default_factory=dict)
    message: str = ""


def blank(resource: Resource) -> Form:
    return of(resource, resource.defaults)


def of(resource: Resource, values: Mapping[str, Any]) -> Form:
    return Form({each.name: each.kind.shown(values.get(each.name)) for each in resource.fields})


def sent(resource: Resource, given: Mapping[str, str]) -> dict[str, str]:
    return {each.name: given.get(each.name, "") for each in resource.fields}


def draft(resource: Resource, texts: Mapping[str, str], stored: Mapping[str, Any], *, partial: bool) -> Draft:
    """The draft of what means something else than was shown: what looks the same in the form stays as it is stored."""
    changed: dict[str, Any] = {}
    for each in resource.fields:
        meant = each.read(texts[each.name])
        if (each.required and not partial) or meant != each.read(each.kind.shown(stored.get(each.name))):
            changed[each.name] = meant
    return resource.draft(changed, partial=partial)
