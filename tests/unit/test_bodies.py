"""JSON from strangers: what is read is a value that both databases can hold and JSON can say again."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.core.strict_json import DEEPEST
from app.http.bodies import parse

REFUSED = {
    "nothing": b"",
    "half": b'{"a": ',
    "two values": b"{} {}",
    "single quotes": b"{'a': 1}",
    "a trailing comma": b"[1,]",
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "1e999": b'{"a": 1e999}',
    "-1e999": b"[-1e999]",
    "2^63": b'{"a": 9223372036854775808}',
    "-2^63-1": b'{"a": -9223372036854775809}',
    "ten thousand digits": b'{"a": ' + b"9" * 10_000 + b"}",
    "NUL": b'{"a": "\\u0000"}',
    "NUL in a name": b'{"\\u0000": 1}',
    "a raw control character": b'{"a": "\n"}',
    "half a surrogate pair": b'{"a": "\\ud800"}',
    "half a pair in a name": b'{"\\udc00": 1}',
    "half a pair deep inside": b'[[{"a": ["\\ud83d"]}]]',
    "not UTF-8": b'{"a": "\xff"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a name twice": b'{"a": 1, "a": 2}',
    "a name twice deep inside": b'[{"b": {"a": 1, "\\u0061": 1}}]',
    "a deep list": b"[" * 100_000 + b"]" * 100_000,
    "a deep object": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deeper than allowed": b"[" * (DEEPEST + 2) + b"]" * (DEEPEST + 2),
}


@pytest.mark.parametrize("raw", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_kept_is_refused_in_words(raw):
    with pytest.raises(Invalid) as refusal:
        parse(raw)
    assert refusal.value.detail.startswith("The body ")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"null", None),
        (b'"a"', "a"),
        (b"9223372036854775807", 2**63 - 1),
        (b"-9223372036854775808", -(2**63)),
        (b"1e308", 1e308),
        (b"1.5", 1.5),
        (b"1e-999", 0.0),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
        (b"[" * DEEPEST + b"]" * DEEPEST, json.loads("[" * DEEPEST + "]" * DEEPEST)),
    ],
)
def test_what_can_be_kept_is_read_as_it_is(raw, value):
    assert parse(raw) == value


@pytest.mark.parametrize("raw", [b"89.0", b"8.9e1", b"-0.0", b"9.0e15"])
def test_an_integer_is_one_however_it_is_written(raw):
    assert type(parse(raw)) is int


@given(st.binary(max_size=200))
def test_no_bytes_end_in_anything_but_a_value_or_a_refusal(raw):
    try:
        value = parse(raw)
    except Invalid:
        return
    json.dumps(value, allow_nan=False).encode()
