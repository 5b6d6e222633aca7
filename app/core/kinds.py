"""The kinds a field can be: each says which values are valid, how it looks in OpenAPI, and when two values are one."""

import re
import unicodedata
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from marshmallow import ValidationError, fields

LONGEST_EMAIL, LONGEST_LOCAL_PART = 254, 64
_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
"""RFC 5322, 3.2.3: how nearly every address begins."""
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""The categories Cc and Cs of Unicode."""
_LINES = str.maketrans("", "", "\n\r\t")


def is_plain(value: str) -> bool:
    """Tell whether text is free of what breaks out of a header or a log line, and of what no database stores."""
    return _CONTROLS.search(value) is None


class Kind:
    """What a kind knows beside how it is read: how the CRM writes it, how a cell does, and what a listing can do.

    A value is always one that JSON has: a date is its text. `to_crm` and `from_crm` are pure and total: what is no
    value of the kind passes through, and is refused where it is read.
    """

    searchable: ClassVar[bool] = False
    """Whether people look for words in it."""
    sortable: ClassVar[bool] = True
    filterable: ClassVar[bool] = True

    @classmethod
    def member(cls, **about: Any) -> fields.Field[Any]:
        """Return the marshmallow field that reads what a caller gives."""
        made = cls(**about)
        assert isinstance(made, fields.Field)
        return made

    @classmethod
    def told(cls, **about: Any) -> fields.Field[Any]:
        """Return the marshmallow field that reads what the CRM says, after `from_crm`."""
        return cls.member(**about)

    @classmethod
    def to_crm(cls, value: Any) -> Any:
        return value

    @classmethod
    def from_crm(cls, value: Any) -> Any:
        return value

    @classmethod
    def words(cls, value: Any) -> str:
        """Return the text of a value in which people look for words; empty when there is none."""
        return value if cls.searchable and isinstance(value, str) else ""

    @classmethod
    def from_text(cls, text: str) -> Any:
        """Read a query parameter or a cell of a file; what cannot be read stays text, and is refused later."""
        return text


class Text(Kind, fields.String):
    """One line of text, kept as it was written."""

    searchable = True

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:  # noqa: ARG002
        if not isinstance(value, str):
            raise self.make_error("invalid")
        if not self.is_fine(value):
            raise ValidationError("Must not contain control characters.")
        if self.required and not value.strip():
            raise ValidationError("Must not be blank.")
        return value

    @classmethod
    def is_fine(cls, value: str) -> bool:
        return is_plain(value)


class Prose(Text):
    """Text of several lines, kept as it was written."""

    sortable = False
    filterable = False

    @classmethod
    def is_fine(cls, value: str) -> bool:
        return is_plain(value.translate(_LINES))


class Email(Text, fields.Email):
    """An e-mail address (RFC 5321, internationalised ones too), kept as it was written."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.validators = [validator for validator in self.validators if not _is_marshmallow_email(validator)]

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if len(text) > LONGEST_EMAIL:  # checked first: parsing a megabyte of it takes a second
            raise ValidationError(f"Longer than maximum length {LONGEST_EMAIL}.")
        if not _is_plain_address(text) and (reason := _wrong_with(text)):
            raise ValidationError(f"Not a valid e-mail address: {reason}")
        return text


class Phone(Text):
    """A phone number that could be dialled somewhere, kept as it was written; empty is a value of its own.

    "Possible", not "valid": numbering plans change faster than their lists, and sample numbers are never valid.
    """

    region = "US"

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text and not _possible(text, self.region):
            raise ValidationError("Not a possible phone number.")
        return text


class Time(fields.DateTime):
    """A time as RFC 3339 with an offset, kept in UTC to the millisecond."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:  # noqa: ARG002
        parsed = parse_time(value)
        if parsed is None:
            raise ValidationError("Not a time: use RFC 3339 with an offset, such as 2026-01-31T12:00:00Z.")
        return parsed


def parse_time(value: object) -> datetime | None:
    """Read an RFC 3339 time; None when it is not one. The offset is required: a local time orders nothing."""
    if not isinstance(value, str) or not 20 <= len(value) <= 40 or value[10] not in "Tt ":  # noqa: PLR2004
        return None
    try:
        parsed = datetime.fromisoformat(value.upper())
        if parsed.tzinfo is None:
            return None
        parsed = parsed.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return parsed.replace(microsecond=parsed.microsecond // 1000 * 1000)


def format_time(moment: datetime | None) -> str | None:
    """Write a time as the API shows it: UTC, milliseconds, `Z`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def unique_key(value: str | None) -> str | None:
    """Return the form in which two spellings of one value are equal: any letter case, either Unicode form."""
    if value is None:
        return None
    if value.isascii():
        return value.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", value).casefold())


def _is_plain_address(text: str) -> bool:
    """Tell whether an address is good beyond doubt: its domains come again and again, and are looked at once."""
    local, _, domain = text.rpartition("@")
    if not text.isascii() or len(local) > LONGEST_LOCAL_PART or _DOT_ATOM.fullmatch(local) is None:
        return False
    return _wrong_with_domain(domain) is None


@lru_cache(maxsize=4096)
def _wrong_with_domain(domain: str) -> str | None:
    return _wrong_with(f"a@{domain}")


def _wrong_with(address: str) -> str | None:
    try:
        validate_email(address, check_deliverability=False)
    except EmailNotValidError as error:
        return _sentence(str(error))
    return None


def _possible(text: str, region: str) -> bool:
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(text, region))
    except phonenumbers.NumberParseException:
        return False


def _is_marshmallow_email(validator: object) -> bool:
    return type(validator).__name__ == "Email"


def _sentence(text: str) -> str:
    return text.splitlines()[0] if text else "it cannot be one."
