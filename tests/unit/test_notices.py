"""What a CRM's headers say of its limit, in all their spellings."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crm.notices import LONGEST_ASKED, News, read_news

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
UNIX = int(NOW.timestamp())


@pytest.mark.parametrize("prefix", ["RateLimit-", "X-RateLimit-", "X-Rate-Limit-"])
def test_three_headers_in_any_of_their_spellings(prefix):
    headers = {f"{prefix}Limit": "600", f"{prefix}Remaining": "12", f"{prefix}Reset": "30"}

    assert read_news(headers, NOW) == News(remaining=12, resets_in=30.0, limit=600)


@pytest.mark.parametrize(
    "value",
    [
        "limit=600, remaining=12, reset=30",
        "limit=600,remaining=12,reset=30",
        "remaining = 12; reset = 30; limit = 600",
    ],
)
def test_one_header_of_an_older_draft(value):
    assert read_news({"RateLimit": value}, NOW) == News(12, 30.0, 600)


def test_one_header_of_a_later_draft():
    assert read_news({"RateLimit": '"burst";r=12;t=30, "day";r=900;t=40000'}, NOW) == News(12, 30.0, None)


@pytest.mark.parametrize(
    ("limit", "read"), [("600", 600), ("600, 600;w=60", 600), ("0", None), ("many", None), ("", None), (None, None)]
)
def test_a_limit_in_its_forms(limit, read):
    headers = {"RateLimit-Remaining": "1", "RateLimit-Reset": "30"}
    headers |= {} if limit is None else {"RateLimit-Limit": limit}

    assert read_news(headers, NOW) == News(1, 30.0, read)


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("30", 30.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("86401", LONGEST_ASKED),
        ("9" * 400, LONGEST_ASKED),
        (str(UNIX + 45), 45.0),
        (str((UNIX + 45) * 1000), 45.0),
        (str(UNIX - 45), 0.0),
    ],
)
def test_a_reset_is_a_span_or_a_moment(reset, seconds):
    assert read_news({"RateLimit-Remaining": "1", "RateLimit-Reset": reset}, NOW) == News(1, seconds)


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        (format_datetime(NOW + timedelta(minutes=5), usegmt=True), 45.0),
        (format_datetime(NOW - timedelta(hours=5), usegmt=True), 5 * 3600 + 345.0),
        ("yesterday", 345.0),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 0.0),
    ],
)
def test_a_moment_is_read_by_the_crms_own_clock_where_it_shows_it(date, seconds):
    headers = {"X-RateLimit-Remaining": "1", "X-RateLimit-Reset": str(UNIX + 345), "Date": date}

    assert read_news(headers, NOW) == News(1, seconds)


@pytest.mark.parametrize(
    ("remaining", "reset"),
    [
        ("1", None),
        (None, "30"),
        ("-1", "30"),
        ("few", "30"),
        ("1", "soon"),
        ("1", "-5"),
        ("1", "²"),
        ("٣", "30"),
        ("1e3", "30"),
    ],
)
def test_half_of_it_or_nonsense_counts_as_nothing(remaining, reset):
    headers = {"RateLimit-Remaining": remaining, "RateLimit-Reset": reset, "RateLimit-Limit": "600"}

    assert read_news({name: value for name, value in headers.items() if value is not None}, NOW) is None


def test_one_spelling_that_is_nonsense_does_not_hide_another():
    nonsense = {"RateLimit-Remaining": "x", "RateLimit-Reset": "1"}

    assert read_news(nonsense | {"X-RateLimit-Remaining": "3", "X-RateLimit-Reset": "9"}, NOW) == News(3, 9.0)


NAMES = st.sampled_from(["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit", "Date"])


@given(st.dictionaries(NAMES, st.text() | st.from_regex(r"[0-9.,;=a-z ]*", fullmatch=True)))
def test_whatever_a_header_holds_it_is_read_or_left(headers):
    news = read_news(headers, NOW)

    assert news is None or (news.remaining >= 0 and 0 <= news.resets_in <= LONGEST_ASKED)
