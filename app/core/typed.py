"""Kinds that are no free text: choices, days, moments, numbers, lists, objects. Their values are ones that JSON has."""

import json
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, available_timezones

from marshmallow import ValidationError, fields, validate

from app.core import strict_json
from app.core.kinds import Kind, Text, format_time, is_plain, parse_time

LONGEST_JSON = 16_000
"""Characters of an object, or of a list, when it is written as JSON."""


class Choice(Text):
    """One of a few words."""

    searchable = False
    choices: ClassVar[tuple[str, ...]] = ()
    aliases: ClassVar[Mapping[str, str]] = {}
    theirs: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def of(
        cls, *choices: str, crm: Mapping[str, str] | None = None, aliases: Mapping[str, str] | None = None
    ) -> type["Choice"]:
        """Return the kind of these words; `crm` is how the CRM writes some of them, `aliases` what is also taken."""
        about = {"choices": choices, "theirs": dict(crm or {}), "aliases": dict(aliases or {}), "__doc__": cls.__doc__}
        return type("Choice", (cls,), about)

    def __init__(self, **about: Any) -> None:
        rule = validate.OneOf(self.choices, error="Must be one of: {choices}.")
        super().__init__(**{**about, "validate": [*about.get("validate", ()), rule]})

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        return self.aliases.get(text, text)

    @classmethod
    def to_crm(cls, value: Any) -> Any:
        return cls.theirs.get(value, value) if isinstance(value, str) else value

    @classmethod
    def from_crm(cls, value: Any) -> Any:
        ours = {theirs: word for word, theirs in cls.theirs.items()}
        return ours.get(value, value) if isinstance(value, str) else value


class Day(Kind, fields.String):
    """A date, as 2026-01-31 (RFC 3339, full-date)."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:  # noqa: ARG002
        if not isinstance(value, str) or not is_day(value):
            raise ValidationError("Not a date: use the form 2026-01-31.")
        return value

    @classmethod
    def from_crm(cls, value: Any) -> Any:
        """Take the day of a CRM that gives a time of day too."""
        return value[:10] if isinstance(value, str) and parse_time(value) is not None else value


class Moment(Kind, fields.String):
    """A time as RFC 3339 with an offset, kept in UTC to the millisecond."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:  # noqa: ARG002
        shown = format_time(parse_time(value))
        if shown is None:
            raise ValidationError("Not a time: use RFC 3339 with an offset, such as 2026-01-31T12:00:00Z.")
        return shown


class Flag(Kind, fields.Boolean):
    """True or false."""

    sortable = False

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:  # noqa: ARG002
        if not isinstance(value, bool):
            raise ValidationError("Must be true or false.")
        return value

    @classmethod
    def from_text(cls, text: str) -> Any:
        return {"true": True, "false": False}.get(text.lower(), text)


class Count(Kind, fields.Integer):
    """A whole number from 1 to 1000."""

    sortable = False
    most = 1000

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:  # noqa: ARG002
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= self.most:
            raise ValidationError(f"Must be a whole number from 1 to {self.most}.")
        return value

    @classmethod
    def from_text(cls, text: str) -> Any:
        return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(cls.most)) else text


class TimeZone(Text):
    """A time zone by its IANA name, such as Europe/Berlin."""

    searchable = False

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text not in ZONES:
            raise ValidationError("Not a time zone: use a name such as Europe/Berlin, or UTC.")
        return text


class _Json(Kind):
    """What is more than one value: neither sorted nor filtered by."""

    sortable = False
    filterable = False

    @classmethod
    def from_text(cls, text: str) -> Any:
        try:
            return strict_json.parse(text)
        except ValueError:
            return text


class Names(_Json, fields.List[Any]):
    """A list of words, each once, in the order in which they were given."""

    MOST: ClassVar[int] = 100
    LONGEST: ClassVar[int] = 100

    def __init__(self, **about: Any) -> None:
        super().__init__(fields.String(), **about)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:  # noqa: ARG002
        if not isinstance(value, list) or len(value) > self.MOST or not all(self._is_word(one) for one in value):
            raise ValidationError(self._refusal())
        return list(dict.fromkeys(value))

    @classmethod
    def words(cls, value: Any) -> str:
        return ", ".join(value or ())

    @classmethod
    def _is_word(cls, value: Any) -> bool:
        return isinstance(value, str) and bool(value.strip()) and len(value) <= cls.LONGEST and is_plain(value)

    @classmethod
    def _refusal(cls) -> str:
        return f"Must be a list of up to {cls.MOST} texts of 1 to {cls.LONGEST} characters."


class Days(Names):
    """A list of dates, such as 2026-01-31, each once."""

    @classmethod
    def words(cls, value: Any) -> str:  # noqa: ARG003
        return ""

    @classmethod
    def _is_word(cls, value: Any) -> bool:
        return isinstance(value, str) and is_day(value)

    @classmethod
    def _refusal(cls) -> str:
        return f"Must be a list of up to {cls.MOST} dates of the form 2026-01-31."


class Free(_Json, fields.Dict):
    """An object with names and values of the caller's choosing."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> dict[str, Any]:  # noqa: ARG002
        if not isinstance(value, dict):
            raise ValidationError("Must be an object.")
        if not all(is_plain(text.translate(_LINES)) for text in _texts(value)):
            raise ValidationError("Must not contain control characters.")
        if len(json.dumps(value)) > LONGEST_JSON:
            raise ValidationError(f"Longer than maximum length {LONGEST_JSON} as JSON.")
        return value


class Address(Free):
    """A postal address: an object with street, city and so on. The CRM writes an empty one as an empty text."""

    @classmethod
    def to_crm(cls, value: Any) -> Any:
        return "" if value == {} else value

    @classmethod
    def words(cls, value: Any) -> str:
        return ", ".join(part for part in (value or {}).values() if isinstance(part, str))

    @classmethod
    def from_crm(cls, value: Any) -> Any:
        return {} if value == "" else value


_LINES = str.maketrans("", "", "\n\r\t")
ZONES = frozenset(available_timezones())


def is_day(value: str) -> bool:
    try:
        return date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def zone(name: str) -> ZoneInfo:
    """Return a time zone that `TimeZone` has let in."""
    return ZoneInfo(name)


def _texts(value: Any) -> Iterable[str]:
    """Yield every text in a JSON value, names too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
