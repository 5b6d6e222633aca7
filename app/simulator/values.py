"""Values for the fields of any resource, from a number."""

from collections.abc import Callable
from typing import Any

from app.core.field import Field
from app.core.kinds import Email, Phone
from app.core.reference import Reference
from app.core.resource import Resource
from app.core.typed import Address, Choice, Count, Day, Days, Flag, Free, Moment, Names, TimeZone

RARELY = 7
FEW = 30
TEXTS = ("Ann", "Bob", " Cid ", "DORA", "Eve Ének", "F")
PHONES = ("111-456-7890", "222-456-7890", "(333) 456-7890", None)
NOBODY, REFERS = 5, 3
"""One in so many values that may be absent is, and so many edits are of what a record refers to."""
Refer = Callable[[str, int], str | None]
"""Says which record of a resource a number stands for; None when there is none."""
FORMS: dict[type, Callable[[int], Any]] = {
    Day: lambda number: _day(number),  # noqa: PLW0108  (it is defined below)
    Moment: lambda number: f"{_day(number)}T{number % 24:02}:30:00.000Z",
    Flag: lambda number: number % 2 == 0,
    Count: lambda number: 1 + number % 1000,
    TimeZone: lambda number: ("UTC", "Europe/Berlin", "America/New_York")[number % 3],
    Days: lambda number: [_day(one) for one in range(number % 4)],
    Names: lambda number: [TEXTS[one].strip() for one in range(number % 4)],
    Address: lambda number: {"city": TEXTS[number % len(TEXTS)]} if number % 4 else {},
    Free: lambda number: {"size": number % 10, "also": [None, {"of": "it"}]} if number % 4 else {},
}
"""What values of a kind look like; of what is not here, texts."""


def of(field: Field, number: int) -> Any:
    """Return a value that a field can hold; the same number gives the same one."""
    if field.kind is Email:
        return f"u{number}@example.com"
    if field.kind is Phone:
        return PHONES[number % len(PHONES)]
    if field.nullable and number % NOBODY == NOBODY - 1:
        return None
    if issubclass(field.kind, Choice):
        return field.kind.choices[number % len(field.kind.choices)]
    if field.kind in FORMS:
        return FORMS[field.kind](number)
    return f"{TEXTS[number % len(TEXTS)]} {number}" if field.unique else TEXTS[number % len(TEXTS)]


def _day(number: int) -> str:
    return f"2030-{1 + number % 12:02}-{1 + number % 28:02}"


def nobody(_resource: str, _number: int) -> None:
    """There is nobody to refer to."""


def record(resource: Resource, number: int, refer: Refer = nobody) -> dict[str, Any]:
    """Return a whole record; nothing when one has to refer to somebody and there is nobody."""
    made = {name: of(field, number) for name, field in resource.fields.items() if not field.reference}
    for place, name in enumerate(resource.references):
        made |= _referring(resource, name, number + place, refer)
    is_fine = all(made.get(name) is not None for name, field in resource.fields.items() if field.required)
    return {name: made[name] for name in resource.fields} if is_fine else {}


def edit(resource: Resource, number: int, refer: Refer = nobody) -> dict[str, Any]:
    """Return a change of one field; now and then of a unique one, to a value that others may have.

    A reference is changed together with the word that says what it refers to; nothing when there is nobody.
    """
    words = {kind.beside: name for name, kind in resource.references.items()}
    shared = [name for name in resource.pushed_fields if not resource.fields[name].unique]
    unique = [name for name in resource.pushed_fields if resource.fields[name].unique]
    names = unique if unique and number % RARELY == 0 else shared
    if resource.references and number // RARELY % REFERS == 0:
        names = list(resource.references)
    name, small = names[number % len(names)], number // len(names) % FEW
    name = words.get(name, name)
    if resource.fields[name].reference:
        return _referring(resource, name, small, refer)
    return {name: of(resource.fields[name], small)}


def _referring(resource: Resource, name: str, number: int, refer: Refer) -> dict[str, Any]:
    """Return a reference, with the word beside it; nothing when it must lead somewhere and there is nobody."""
    field = resource.fields[name]
    kind = field.reference or Reference
    if field.nullable and number % NOBODY == NOBODY - 1:
        return {name: None}
    words = list(kind.targets)
    for word in words[number % len(words) :] + words[: number % len(words)]:
        if (found := refer(kind.targets[word], number)) is not None:
            return {name: found} if kind.beside is None else {kind.beside: word, name: found}
    return {name: None} if field.nullable else {}
