"""Lists the kinds of values that are no free text: what is wrong with a value, and how a form shows and reads it."""

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any, ClassVar

from mock_crm import bodies, times
from mock_crm.errors import ApiError

_WHOLE = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_LONGEST_JSON = 16_000
_DEEPEST_JSON = 100


class Kind:
    """Values are what JSON has; a form and a query can only say text. Null is the field's business, not the kind's."""

    widget: ClassVar[str] = "text"
    """What a form shows: the type of an input, or textarea or select."""
    hint: str = ""
    empty: Any = None
    """What an optional field is when its form is left empty."""

    def fault(self, value: object) -> str | None:
        """What is wrong with a value, in words; nothing when it is fine."""
        raise NotImplementedError

    def kept(self, value: Any) -> Any:
        """A good value as it is stored."""
        return value

    def shown(self, value: Any) -> str:
        """A stored value as a form shows it."""
        return "" if value is None else str(value)

    def cell(self, value: Any) -> str:
        """A stored value as a table shows it."""
        return self.shown(value)

    def read(self, text: str) -> Any:
        """What a form or a query means. What it cannot mean stays text, and is refused as a fault."""
        return text or self.empty


class Choice(Kind):
    """One of a few words."""

    widget = "select"

    def __init__(self, *words: str) -> None:
        self.options = [(each, each) for each in words]
        self._words = words

    def fault(self, value: object) -> str | None:
        return None if value in self._words else f"must be one of {', '.join(self._words)}"


class Flag(Kind):
    """True or false."""

    widget = "select"
    options: ClassVar = [("true", "Yes"), ("false", "No")]

    def fault(self, value: object) -> str | None:
        return None if isinstance(value, bool) else "must be true or false"

    def shown(self, value: Any) -> str:
        return "" if value is None else str(value).lower()

    def cell(self, value: Any) -> str:
        return "Yes" if value else "No"

    def read(self, text: str) -> Any:
        return {"true": True, "false": False}.get(text.lower(), text or None)


class Whole(Kind):
    """A whole number."""

    widget = "number"

    def __init__(self, least: int, most: int) -> None:
        self.least, self.most = least, most

    def fault(self, value: object) -> str | None:
        is_good = type(value) is int and self.least <= value <= self.most
        return None if is_good else f"must be a whole number from {self.least} to {self.most}"

    def read(self, text: str) -> Any:
        return int(text) if _WHOLE.fullmatch(text) else text or None


class Date(Kind):
    """A day, as 2026-01-31."""

    widget = "date"

    def fault(self, value: object) -> str | None:
        try:
            is_good = isinstance(value, str) and date.fromisoformat(value).isoformat() == value
        except ValueError:
            is_good = False
        return None if is_good else "must be a date such as 2026-01-31"


class Time(Kind):
    """A moment: RFC 3339 with any offset, kept in UTC to the millisecond. A form shows it in UTC, without the zone."""

    widget = "datetime-local"
    hint = "In UTC."

    def fault(self, value: object) -> str | None:
        is_good = isinstance(value, str) and self._parsed(value) is not None
        return None if is_good else "must be an RFC 3339 time with a zone, such as 2026-01-31T09:30:00Z"

    def kept(self, value: Any) -> Any:
        return self._parsed(value)

    def shown(self, value: Any) -> str:
        return "" if value is None else str(value).removesuffix("Z").removesuffix(".000")

    def cell(self, value: Any) -> str:
        return self.shown(value).replace("T", " ").removesuffix(":00")

    def read(self, text: str) -> Any:
        return self._parsed(text) or self._parsed(f"{text}Z") or text or None

    def _parsed(self, text: str) -> str | None:
        if "-" not in text[:5]:  # the short forms of ISO 8601 are none of RFC 3339
            return None
        try:
            return times.parse(text.upper())
        except (ValueError, OverflowError):
            return None


class Listed(Kind):
    """A list of values of one kind, none of them blank. A form has one in a line."""

    widget = "textarea"
    hint = "One in each line."
    most = 100

    def __init__(self, of: Kind) -> None:
        self.of = of

    def fault(self, value: object) -> str | None:
        if not isinstance(value, list) or len(value) > self.most:
            return f"must be a list of at most {self.most}"
        return next(
            (f"must hold only what is fine: one {wrong}" for each in value if (wrong := self._fault(each))), None
        )

    def _fault(self, each: object) -> str | None:
        return "must not be blank" if isinstance(each, str) and not each.strip() else self.of.fault(each)

    def shown(self, value: Any) -> str:
        return "\n".join(value or [])

    def cell(self, value: Any) -> str:
        return ", ".join(value)

    def read(self, text: str) -> Any:
        return [line.strip() for line in lines(text).split("\n") if line.strip()]


class Object(Kind):
    """An object of anything, which a form shows as JSON. An empty one may have a form of its own."""

    widget = "textarea"
    hint = "A JSON object."

    def __init__(self, empty: Any = None) -> None:
        self.empty = {} if empty is None else empty

    def fault(self, value: object) -> str | None:
        if not isinstance(value, dict):
            return None if value == self.empty else "must be an object"
        if _is_deep(value, _DEEPEST_JSON):
            return f"must be nested at most {_DEEPEST_JSON} deep"
        is_long = len(json.dumps(value, ensure_ascii=False)) > _LONGEST_JSON
        return f"must be at most {_LONGEST_JSON} characters of JSON" if is_long else None

    def shown(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False, indent=2) if value else ""

    def cell(self, value: Any) -> str:
        return json.dumps(value, ensure_ascii=False)

    def read(self, text: str) -> Any:
        try:
            return bodies.parse(text.encode()) if text.strip() else self.empty
        except ApiError:
            return text


class Reference(Kind):
    """The crm_id of a record: of one resource, or of the one that the word in another field (`by`) stands for."""

    def __init__(self, to: str = "", *, by: str = "", targets: Mapping[str, str] | None = None) -> None:
        self.by = by
        self.targets = targets or {"": to}

    def fault(self, value: object) -> str | None:
        return None if isinstance(value, str) else "must be a crm_id"

    def read(self, text: str) -> Any:
        return text.strip() or None

    def target(self, values: Mapping[str, Any]) -> str | None:
        """The name of the resource meant, among these values of a record."""
        return self.targets.get(str(values.get(self.by)) if self.by else "")


def lines(text: str) -> str:
    """Text as it was typed: a browser sends every end of a line as two characters."""
    return text.replace("\r\n", "\n")


def _is_deep(value: Any, room: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return room < 0 or any(_is_deep(each, room - 1) for each in inner)
