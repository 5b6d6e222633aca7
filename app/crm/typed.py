"""How a typed record is made of what the CRM says, and what of it the CRM is told."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import Field, dataclass, field, fields
from datetime import date, datetime
from types import NoneType
from typing import Any, Self, get_args, get_origin

from app.core.kinds import format_time, parse_time
from app.core.record import Fields, Snapshot

ABOUT = frozenset({"id", "version", "updated_at"})
"""What the CRM says of a record and is never told."""


@dataclass(kw_only=True)
class CRMRecord:
    """One record of the CRM. `id` is the CRM's; `version` and `updated_at` are of the moment at which it was read.

    None is "not given" in a record that you make, and null in one that was read, which also keeps what the CRM has
    `told` of it. Dates and times may be given as their text. Raises ValueError that names a field which is missing, or
    of another type.
    """

    id: str = ""
    version: int | None = None
    updated_at: datetime | None = None
    told: Fields | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for one in self._declared():
            value = read_value(kind_of(one), getattr(self, one.name))
            if not _fits(one, value):
                raise ValueError(f"{type(self).__name__}.{one.name} {_wanted(one)}.")
            setattr(self, one.name, value)

    @classmethod
    def read(cls, snapshot: Snapshot) -> Self:
        """Return a record as the CRM shows it. A value of another type than it should have stays as it is."""
        made = cls.__new__(cls)
        made.id, made.version, made.updated_at = snapshot.crm_id, snapshot.stamp.version, snapshot.stamp.at
        for one in cls._declared():
            value = deepcopy(snapshot.fields.get(one.name))
            is_empty = value is not None and value == one.metadata.get("empty")
            setattr(made, one.name, {} if is_empty else read_value(kind_of(one), value))
        made.told = made.written()
        return made

    @classmethod
    def names(cls) -> frozenset[str]:
        """Return the CRM's names of the fields."""
        return frozenset(one.name for one in cls._declared())

    @classmethod
    def form_of(cls, values: Mapping[str, Any]) -> Fields:
        """Return some fields in the form in which they are sent. Raises ValueError for a name that is none."""
        if unknown := values.keys() - cls.names():
            raise ValueError(f"A {cls.__name__} has no {', '.join(sorted(unknown))}.")
        declared = {one.name: one for one in cls._declared()}
        return {name: _form(declared[name], value) for name, value in values.items()}

    def written(self) -> Fields:
        """Return all fields in the form in which they are sent."""
        return {one.name: _form(one, deepcopy(getattr(self, one.name))) for one in self._declared()}

    def given(self) -> Fields:
        """Return what has a value, in the form in which it is sent."""
        return {name: value for name, value in self.written().items() if value is not None}

    def changes(self) -> Fields:
        """Return what the CRM has not told us itself: all that is given in a record that was not read."""
        if self.told is None:
            return self.given()
        return {name: value for name, value in self.written().items() if value != self.told[name]}

    @classmethod
    def _declared(cls) -> list[Field[Any]]:
        return [one for one in fields(cls) if one.name not in ABOUT and one.init]


def is_required(one: Field[Any]) -> bool:
    return type(None) not in get_args(one.type)


def kind_of(one: Field[Any]) -> type:
    """Return the type of a field's value when there is one."""
    members: list[Any] = (
        [one.type] if is_required(one) else [member for member in get_args(one.type) if member is not NoneType]
    )
    kind: type = get_origin(members[0]) or members[0]
    return kind


def read_value(kind: type, value: Any) -> Any:
    """Return a value of the kind, if this is one in another form; else the value as it is."""
    if kind is date and isinstance(value, datetime):
        return value.date()
    if kind is date and isinstance(value, str):
        return _day(value)
    if kind is datetime and isinstance(value, str):
        return parse_time(value) or value
    return value


def _day(text: str) -> date | str:
    """Read a date; of a time, its day."""
    try:
        return date.fromisoformat(text[:10] if parse_time(text) else text)
    except ValueError:
        return text


def _fits(one: Field[Any], value: Any) -> bool:
    if value is None:
        return not is_required(one)
    kind = kind_of(one)
    if kind is datetime and isinstance(value, datetime):
        return value.tzinfo is not None
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def _wanted(one: Field[Any]) -> str:
    return f"must be {_WORDS[kind_of(one)]}{', and is required' if is_required(one) else ''}"


def _form(one: Field[Any], value: Any) -> Any:
    """Return the form in which a value is sent."""
    if value == {} and "empty" in one.metadata:
        return one.metadata["empty"]
    if isinstance(value, str):
        return one.metadata.get("aliases", {}).get(value, value)
    if isinstance(value, datetime):
        return format_time(value)
    return value.isoformat() if isinstance(value, date) else value


_WORDS: Mapping[type, str] = {
    str: "text",
    int: "a whole number",
    bool: "true or false",
    date: "a date, such as 2026-01-31",
    datetime: "a time with an offset, such as 2026-01-31T12:00:00Z",
    list: "a list",
    dict: "an object",
}
