"""Reading JSON from strangers: whatever they send is a value we can store, or a 4xx that says why not."""

import json
from typing import Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge

from app.core.errors import Invalid

DEEPEST = 50
REWORD = "crm-sync.reword"
"""Where a dialect of the API leaves in the request's environment how to put a body into the API's own words."""


class Unsupported(Invalid):
    code = "unsupported_media_type"
    title = "The body must be JSON"


def read_raw() -> bytes:
    """Return the bytes of the body. Raises RequestEntityTooLarge.

    Werkzeug refuses a Content-Length beyond the limit, but cuts a body that came in chunks off there, silently.
    """
    body = request.get_data(cache=True)
    limit = request.max_content_length
    if request.content_length is None and limit is not None and len(body) >= limit:
        raise RequestEntityTooLarge
    return body


def read_json() -> Any:
    """Return the JSON body of this request. Raises Invalid and Unsupported."""
    kind = request.mimetype
    if not (kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))):
        raise Unsupported("Send the body as JSON, with Content-Type: application/json.")
    body = parse(read_raw())
    reword = request.environ.get(REWORD)
    return body if reword is None else reword(body)


def parse(raw: bytes) -> Any:
    """Read JSON strictly (RFC 8259, UTF-8): no NaN, no NUL, no lone surrogates, no depth without end.

    A name given twice is refused (RFC 7493): two programs may each believe another of its values.
    """
    try:
        value = json.loads(
            raw.decode("utf-8"),
            parse_constant=_refuse_constant,
            parse_float=_number,
            parse_int=_integer,
            object_pairs_hook=_object,
        )
    except (ValueError, RecursionError) as error:
        raise Invalid(f"The body is not valid JSON: {_reason(error)}.") from error
    _check(value, 0)
    return value


def _check(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise Invalid(f"The body is nested more than {DEEPEST} levels deep.")
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            _check_text(name)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)


def _check_text(text: str) -> None:
    if "\0" in text:
        raise Invalid("The body holds a NUL character, which cannot be stored.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Invalid("The body holds half a surrogate pair, which is no character.") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("an object has the same name twice")
    return members


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _number(text: str) -> float:
    """Read a number with a fraction or an exponent; 3.0 is the integer 3, as JSON Schema has it."""
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise ValueError("a number is too large")
    return int(number) if number.is_integer() and _fits(number) else number


def _integer(text: str) -> int:
    if len(text) > 20 or not _fits(number := int(text)):  # noqa: PLR2004  (2^64 has 20 digits)
        raise ValueError("a number is too large")
    return number


def _fits(number: float) -> bool:
    return -(2**63) <= number < 2**63


def _reason(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8"
    return str(error)
