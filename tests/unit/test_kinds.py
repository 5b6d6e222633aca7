"""What each kind of field takes, and that what it takes is kept as it was written."""

from datetime import UTC, datetime, timedelta

import pytest
from marshmallow import ValidationError

from app.core.kinds import Email, Phone, Text, format_time, parse_time, unique_key

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
NAMES = [
    "Ann",
    " Ann ",
    "Zoë",
    "Zoe\u0308",
    FAMILY,
    "مريم",
    "\u200f\u05d3\u05d5\u05d3",
    "O'Brien; DROP",
    "\u00a0x\u3000",
    "100%_",
]


@pytest.mark.parametrize("name", NAMES)
def test_text_is_kept_as_it_was_written(name):
    assert Text().deserialize(name) == name


@pytest.mark.parametrize("value", [1, 1.5, True, [], {}, ["a"], {"a": "b"}])
def test_only_a_string_is_text(value):
    with pytest.raises(ValidationError):
        Text().deserialize(value)


@pytest.mark.parametrize("value", ["a\nb", "a\r\nBcc: x", "\0", "\x1b[31m", "\x7f", "\x85", "\ud800"])
@pytest.mark.parametrize("kind", [Text, Email, Phone])
def test_control_characters_are_refused_in_every_kind(kind, value):
    with pytest.raises(ValidationError, match="control characters"):
        kind().deserialize(value)


@pytest.mark.parametrize("value", ["", " ", "\u00a0\u3000"])
def test_a_required_text_must_not_be_blank(value):
    with pytest.raises(ValidationError, match="blank"):
        Text(required=True).deserialize(value)


@pytest.mark.parametrize(
    "value",
    [
        "ann@example.com",
        "Ann.O'Brien+tag@Example.COM",
        "ann@sub.example.co.uk",
        "é@example.com",
        "a@bücher.example.com",
    ],
)
def test_an_email_is_kept_as_it_was_written(value):
    assert Email().deserialize(value) == value


@pytest.mark.parametrize(
    "value",
    ["", "no", "a@", "@b.com", "a@b", "a b@example.com", "a@example..com", "Ann <a@example.com>", " a@example.com",
     "a@example.com,b@example.com", "a@example.com ", "a@" + "b" * 64 + ".com"],
)  # fmt: skip
def test_what_is_no_email_is_refused(value):
    with pytest.raises(ValidationError):
        Email().deserialize(value)


def test_a_megabyte_is_refused_as_an_email_without_reading_it_all():
    began = datetime.now(UTC)
    with pytest.raises(ValidationError, match="254"):
        Email().deserialize("\u0301" * 300_000 + "@example.com")
    assert datetime.now(UTC) - began < timedelta(seconds=0.2)


@pytest.mark.parametrize("value", ["", "123-456-7890", "+49 30 901820", "(555) 010-9999", "+1 555 0100 ext. 12"])
def test_a_phone_that_could_be_dialled_is_kept_as_it_was_written(value):
    assert Phone().deserialize(value) == value


@pytest.mark.parametrize("value", [" ", "x", "12", "call me", "+999999999999999999", "1" * 300])
def test_what_nobody_could_dial_is_refused(value):
    with pytest.raises(ValidationError):
        Phone().deserialize(value)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2023-10-15T12:00:00Z", "2023-10-15T12:00:00.000Z"),
        ("2023-10-15t12:00:00z", "2023-10-15T12:00:00.000Z"),
        ("2023-10-15 12:00:00Z", "2023-10-15T12:00:00.000Z"),
        ("2023-10-15T14:00:00.123999+02:00", "2023-10-15T12:00:00.123Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
    ],
)
def test_a_time_is_read_to_the_millisecond_and_shown_in_utc(text, shown):
    assert format_time(parse_time(text)) == shown


@pytest.mark.parametrize(
    "value",
    [None, 0, "", "2023-10-15", "2023-10-15T12:00:00", "yesterday, at about noon", "2023-13-15T12:00:00Z",
     "2023-10-15T25:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "2023-10-15T12:00:00Z" * 9],
)  # fmt: skip
def test_what_is_no_moment_is_no_time(value):
    assert parse_time(value) is None


def test_two_spellings_of_one_value_are_one():
    assert unique_key("Ann@EXAMPLE.com") == unique_key("aNN@example.COM")
    assert unique_key("Zoë@example.com") == unique_key("zoe\u0308@example.com")
    assert unique_key("ann@example.com") != unique_key("anne@example.com")
    assert unique_key(None) is None
