"""Answers a listing by page number: what meets the filters, or what belongs to a record."""

import re
import sqlite3
from collections.abc import Mapping
from typing import Any

from mock_crm import records
from mock_crm.errors import not_found
from mock_crm.fields import Errors, Field, Resource, invalid
from mock_crm.kinds import Listed, Reference
from mock_crm.records import Condition, Record

_DEFAULT_PAGE = 20
_LONGEST_PAGE = 1000
_LAST_PAGE = 1_000_000_000
_PAGING = ("page", "per_page")


def is_meant(resource: Resource, asked: Mapping[str, str]) -> bool:
    """Whether a query asks for pages with numbers, and not for the change feed."""
    return any(name in asked for name in (*_PAGING, *(each.name for each in resource.fields)))


def page(
    db: sqlite3.Connection, resource: Resource, asked: Mapping[str, str], *conditions: Condition
) -> dict[str, Any]:
    """One page; raises ApiError 400 naming every wrong parameter."""
    errors: Errors = {}
    wanted = [*conditions, *_filters(resource, asked, errors)]
    number = _number(asked, "page", 1, _LAST_PAGE, errors)
    per_page = _number(asked, "per_page", _DEFAULT_PAGE, _LONGEST_PAGE, errors)
    if errors:
        raise invalid(errors)
    found, total = records.listing(db, resource.name, wanted, limit=per_page, offset=(number - 1) * per_page)
    return {
        "items": [each.as_json() for each in found],
        "page": number,
        "per_page": per_page,
        "total": total,
        "pages": -(-total // per_page),
    }


def belonging(children: Resource, parent: Resource, record: Record) -> Condition:
    """The condition that a child refers to a record, by any of its fields; raises ApiError 404."""
    ways = [
        [records.equals(each.name, record.crm_id), *([records.equals(kind.by, word)] if kind.by else [])]
        for each, kind in children.references
        for word, target in kind.targets.items()
        if target == parent.name
    ]
    if not ways:
        raise not_found(f"No {children.name} belong to {parent.name}.")
    return records.either(ways)


def _filters(resource: Resource, asked: Mapping[str, str], errors: Errors) -> list[Condition]:
    found: list[Condition] = []
    for each in resource.fields:
        if each.name in asked:
            value = each.kind.read(asked[each.name])
            wrong = each.kind.fault(value) if value else None
            if wrong and not isinstance(each.kind, Reference):
                errors[each.name] = [wrong]
            else:
                found += _conditions(each, value)
    return found


def _conditions(field: Field, value: Any) -> list[Condition]:
    if value and isinstance(field.kind, Listed):
        return [records.holds(field.name, each) for each in value]
    return [records.equals(field.name, value)]


def _number(asked: Mapping[str, str], name: str, default: int, most: int, errors: Errors) -> int:
    text = asked.get(name)
    if text is None:
        return default
    if re.fullmatch(r"[0-9]{1,10}", text) and 1 <= int(text) <= most:
        return int(text)
    errors[name] = [f"must be a whole number from 1 to {most}"]
    return default
