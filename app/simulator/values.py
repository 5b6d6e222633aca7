"""Values for the fields of any resource, from a number."""

from typing import Any

from app.core.field import Field
from app.core.kinds import Email, Phone
from app.core.resource import Resource

RARELY = 7
FEW = 30
TEXTS = ("Ann", "Bob", " Cid ", "DORA", "Eve Ének", "F")
PHONES = ("111-456-7890", "222-456-7890", "(333) 456-7890", None)


def of(field: Field, number: int) -> Any:
    """Return a value that a field can hold; the same number gives the same one."""
    if field.kind is Email:
        return f"u{number}@example.com"
    if field.kind is Phone:
        return PHONES[number % len(PHONES)]
    return f"{TEXTS[number % len(TEXTS)]} {number}" if field.unique else TEXTS[number % len(TEXTS)]


def record(resource: Resource, number: int) -> dict[str, Any]:
    """Return a whole record."""
    return {name: of(field, number) for name, field in resource.fields.items()}


def edit(resource: Resource, number: int) -> dict[str, Any]:
    """Return a change of one field; now and then of a unique one, to a value that others may have."""
    shared = [name for name in resource.pushed_fields if not resource.fields[name].unique]
    unique = [name for name in resource.pushed_fields if resource.fields[name].unique]
    names = unique if unique and number % RARELY == 0 else shared
    name = names[number % len(names)]
    return {name: of(resource.fields[name], number // len(names) % FEW)}
