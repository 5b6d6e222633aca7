"""What holds of every body: JSON that can be kept is read as it is, and nothing ends in another error."""

import json
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.core.schema import load
from app.http.bodies import parse
from app.resources import REGISTRY

TEXTS = st.text(st.characters(exclude_characters="\0"))
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
TOKENS = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    '"a"',
    "\\u0000",
    "\\ud800",
    "1e999",
    "NaN",
    "9" * 30,
    "-",
    "null",
    " ",
    "\xff",
]


@given(JSON)
def test_what_json_can_say_is_read_as_it_was_said(value):
    assert parse(json.dumps(value).encode()) == value
    assert parse(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.lists(st.sampled_from(TOKENS)).map("".join))
def test_half_of_json_is_read_or_refused(text):
    with suppress(Invalid):
        value = parse(text.encode())
        assert parse(json.dumps(value).encode()) == value


@given(JSON | st.dictionaries(st.sampled_from(["name", "email", "phone", "id", "version"]), JSON))
def test_any_json_is_a_record_or_refused_by_name(body):
    for schema in (REGISTRY["users"].full, REGISTRY["users"].partial):
        wrong = None
        try:
            assert load(schema, body) == body
        except Invalid as error:
            wrong = error
        assert wrong is None or wrong.errors or not isinstance(body, dict)
