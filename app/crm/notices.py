"""What the headers of an answer say about the CRM's limit: Retry-After, and RateLimit in its several spellings."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST_ASKED = 86400.0
SURELY_UNIX = 1e9
SURELY_MILLISECONDS = 1e11
MOST = 1e9
SPELLINGS = ("RateLimit-", "X-RateLimit-", "X-Rate-Limit-")
_SECONDS = re.compile(r"\s*[0-9]+(\.[0-9]+)?\s*", re.ASCII)
_FIRST = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(?:[,;].*)?", re.ASCII)
_PAIR = re.compile(r"\b(limit|remaining|reset|r|t)\s*=\s*([0-9]+)", re.ASCII)


@dataclass(frozen=True)
class News:
    """How many calls the CRM takes in the next `resets_in` seconds, and in a whole window if it says so."""

    remaining: int
    resets_in: float
    limit: int | None = None


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Read a Retry-After header (RFC 9110, 10.2.3): seconds or an HTTP date; nonsense counts as absent.

    Returns seconds from `now`, from 0 to a day.
    """
    if value is None:
        return None
    seconds = float(value) if _SECONDS.fullmatch(value) else _until_date(value, now)
    return None if seconds is None else min(max(0.0, seconds), LONGEST_ASKED)


def read_news(headers: Mapping[str, str], now: datetime) -> News | None:
    """Read what remains of the limit; None unless the headers say both how many calls and until when.

    `headers` are looked up by their usual capitals. A reset is a span, or a moment in Unix time.
    """
    for said_limit, said_remaining, said_reset in _sayings(headers):
        remaining, reset = _number(said_remaining), _number(said_reset)
        if remaining is not None and reset is not None:
            limit = int(min(_number(said_limit) or 0, MOST)) or None
            return News(int(min(remaining, MOST)), _span(reset, headers.get("Date"), now), limit)
    return None


def _sayings(headers: Mapping[str, str]) -> Iterator[tuple[str | None, str | None, str | None]]:
    """Yield (limit, remaining, reset) of each form; in some drafts of the standard one header holds them all."""
    for spelling in SPELLINGS:
        yield headers.get(spelling + "Limit"), headers.get(spelling + "Remaining"), headers.get(spelling + "Reset")
    # Several policies may be listed: the first one counts.
    pairs = dict(reversed(_PAIR.findall(headers.get("RateLimit", ""))))
    yield pairs.get("limit"), pairs.get("remaining", pairs.get("r")), pairs.get("reset", pairs.get("t"))


def _number(value: str | None) -> float | None:
    """Read a number; of a list like `100, 100;w=60` the first."""
    found = _FIRST.fullmatch(value) if value is not None else None
    return float(found[1]) if found else None


def _span(reset: float, date: str | None, now: datetime) -> float:
    if reset > SURELY_UNIX:
        unix = reset / 1000 if reset > SURELY_MILLISECONDS else reset
        # By the CRM's own clock where it shows it: ours may be minutes off.
        ahead = _until_date(date, now) if date is not None else None
        reset = unix - (now.timestamp() + (ahead or 0.0))
    return min(max(0.0, reset), LONGEST_ASKED)


def _until_date(value: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(value)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
