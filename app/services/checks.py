"""What is wrong between the fields of a record, by the checks of its declaration: said to whoever writes it."""

from collections.abc import Mapping
from typing import Any

from app.core.errors import Invalid, Messages
from app.core.resource import Resource
from app.core.schema import summary


def refuse_wrong(resource: Resource, after: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> None:
    """Raise Invalid when a record would be wrong; what was wrong `before` does not stand in the way of an edit."""
    known = {} if before is None else wrong(resource, before)
    if found := {name: said for name, said in wrong(resource, after).items() if known.get(name) != said}:
        raise Invalid(summary(found), errors=found)


def wrong(resource: Resource, fields: Mapping[str, Any]) -> Messages:
    """Return what is wrong with a whole record, by field."""
    return {name: said for check in resource.checks for name, said in check(fields).items()}
