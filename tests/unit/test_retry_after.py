"""Retry-After in all its forms."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.crm.notices import LONGEST_ASKED, parse_retry_after

STEADY = settings(deadline=None, derandomize=True, database=None, max_examples=100)
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("5", 5.0),
        (" 5 ", 5.0),
        ("1.5", 1.5),
        ("007", 7.0),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("1e3", None),
        ("1_0", None),
        ("٣", None),
        ("²", None),
        ("5, 6", None),
        ("9" * 400, LONGEST_ASKED),
        ("86401", LONGEST_ASKED),
        ("Sun, 01 Mar 2026 12:00:07 GMT", 7.0),
        ("Sunday, 01-Mar-26 12:00:07 GMT", 7.0),
        ("Sun Mar  1 12:00:07 2026", 7.0),
        ("Sun, 01 Mar 2026 13:00:07 +0100", 7.0),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_ASKED),
        ("Mon, 99 Foo 2026 99:99:99 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", LONGEST_ASKED),
    ],
)
def test_retry_after_in_all_its_forms(value, seconds):
    assert parse_retry_after(value, NOW) == seconds


@STEADY
@given(
    st.text() | st.from_regex(r"\A[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,5} [0-9]{2}:[0-9]{2} [+-][0-9]{4}\Z")
)
def test_any_retry_after_is_a_span_or_absent(value):
    seconds = parse_retry_after(value, NOW)

    assert seconds is None or 0 <= seconds <= LONGEST_ASKED
    assert seconds is None or NOW + timedelta(seconds=seconds)
