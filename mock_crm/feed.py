"""Reads the change feed: opaque cursors, or a time to begin at."""

import base64
import binascii
import json
import re
import sqlite3

from mock_crm import records, times
from mock_crm.errors import ApiError
from mock_crm.fields import Resource

LONGEST_PAGE = 1000
_DEFAULT_PAGE = 100
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]", re.ASCII)
_CURSOR = re.compile(r"after:(\d{1,18})", re.ASCII)


def page(db: sqlite3.Connection, resource: Resource, since: str, limit: int, *, hide_after: str | None = None) -> str:
    """What changed after a cursor, as JSON. `hide_after` is a fault: the feed passes over what changed later."""
    seq = _seq(db, resource, since)
    found = records.changed_after(db, resource.name, seq, limit + 1)
    shown = found[:limit]
    items = ",".join(text for _, changed_at, text in shown if hide_after is None or changed_at <= hide_after)
    cursor, has_more = _cursor(shown[-1][0] if shown else seq), len(found) > limit
    return f'{{"items":[{items}],"next_cursor":"{cursor}","has_more":{json.dumps(has_more)}}}\n'


def limit_of(text: str | None) -> int:
    if text is None:
        return _DEFAULT_PAGE
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or not 1 <= int(text) <= LONGEST_PAGE:
        raise ApiError(400, "invalid_limit", f"limit must be a whole number from 1 to {LONGEST_PAGE}.")
    return int(text)


def _cursor(seq: int) -> str:
    return base64.urlsafe_b64encode(f"after:{seq}".encode()).decode().rstrip("=")


def _seq(db: sqlite3.Connection, resource: Resource, since: str) -> int:
    if not since:
        return 0
    if _TIME.match(since):
        return records.seq_before(db, resource.name, _time(since))
    seq = _seq_of_cursor(since)
    # A cursor from before the records were lost would hide all new ones until they have caught up.
    if seq > records.last_seq(db, resource.name):
        raise _refusal()
    return seq


def _seq_of_cursor(cursor: str) -> int:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise _refusal() from error
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise _refusal()
    return int(match[1])


def _time(text: str) -> str:
    try:
        return times.parse(text.replace(" ", "+"))  # a + that was not escaped arrives as a space
    except (ValueError, OverflowError) as error:
        raise ApiError(400, "invalid_cursor", "updated_since is not an RFC 3339 time with a zone.") from error


def _refusal() -> ApiError:
    return ApiError(400, "invalid_cursor", "updated_since is neither a cursor that this CRM gave nor a time.")
