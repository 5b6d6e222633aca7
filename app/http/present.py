"""How a record looks in JSON, and its ETag."""

import zlib
from collections.abc import Collection
from typing import Any

from flask import Response, jsonify, request, url_for

from app.core.errors import Invalid, Stale
from app.core.kinds import format_time
from app.core.record import Record

NO_CONTENT = 304
VERSIONED = "v1_"
"""What the names of routes begin with that are served under the versioned prefix."""


def record(found: Record) -> dict[str, Any]:
    """Return a record as the API shows it."""
    return {
        "id": found.id,
        **found.fields,
        "sync_status": found.status,
        "sync_error": found.error,
        "crm_id": found.crm_id,
        "version": found.version,
        "created_at": format_time(found.created_at),
        "last_updated": format_time(found.last_updated),
    }


def answer(body: dict[str, Any], status: int = 200) -> Response:
    """Answer with one record: ETag, and 304 when the caller has it already."""
    response = jsonify(body)
    response.status_code = status
    response.headers["ETag"] = etag(body)
    if request.method in {"GET", "HEAD"} and _has_it(response.headers["ETag"]):
        return Response(status=NO_CONTENT, headers={"ETag": response.headers["ETag"]})
    return response


def etag(body: dict[str, Any]) -> str:
    """Return the tag of a record: its version, and a mark for what the sync says of it.

    If-Match compares the version only: that the CRM has heard of a record does not make an edit stale.
    """
    state = f"{body['sync_status']}|{body['sync_error']}|{body['crm_id']}"
    return f'"{body["version"]}-{zlib.crc32(state.encode()):08x}"'


def expected_versions(in_body: int | None = None) -> Collection[int] | None:
    """Return the versions that the caller is ready to change, from If-Match or the body; None for any.

    A weak tag counts like a strong one: proxies that compress weaken tags. Raises Stale and Invalid.
    """
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None if in_body is None else {in_body}
    versions = {version for tag in header.split(",") if (version := _version(tag)) is not None}
    if in_body is not None and in_body not in versions:
        raise Invalid("If-Match and the version in the body disagree.")
    if not versions:
        raise Stale("If-Match names no version of this record.")
    return versions if in_body is None else {in_body}


def location(found: str, record_id: str) -> str:
    """Return the address of a record of the resource `found`, under the prefix at which the caller came in."""
    prefix = VERSIONED if (request.endpoint or "").startswith(VERSIONED) else ""
    return url_for(f"{prefix}{found}.read", record_id=record_id)


def _version(tag: str) -> int | None:
    text = tag.strip().removeprefix("W/").strip('"').partition("-")[0]
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004


def _has_it(current: str) -> bool:
    header = request.headers.get("If-None-Match", "")
    return header.strip() == "*" or current in {tag.strip().removeprefix("W/") for tag in header.split(",")}
