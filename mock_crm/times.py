"""Writes and reads times as the CRM's callers see them: RFC 3339, UTC, milliseconds, Z."""

from datetime import UTC, datetime


def stamp(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def parse(text: str) -> str:
    """Any RFC 3339 time as a stamp; raises ValueError for anything else, a time without its zone included."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or "T" not in text.upper():
        raise ValueError(text)
    return stamp(moment.timestamp())
