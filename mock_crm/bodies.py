"""Reads JSON from strangers: whatever arrives, a caller gets a dict or an ApiError 400."""

import json
import math
import re
from typing import Any, NoReturn

from flask import request

from mock_crm.errors import ApiError

_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def json_object() -> dict[str, Any]:
    """The body of the running call."""
    if not request.is_json:
        raise ApiError(415, "unsupported_media_type", "Send JSON, with Content-Type: application/json.")
    value = parse(request.get_data())
    if not isinstance(value, dict):
        raise ApiError(400, "invalid_json", "The body must be a JSON object.")
    return value


def parse(raw: bytes) -> Any:
    """Any JSON, but no NaN, no infinity, no NUL and no half of a surrogate pair: those do not survive a round trip."""
    try:
        value = json.loads(raw.decode(), parse_constant=_refuse, parse_float=_finite)
        if b"\\u" in raw:
            _refuse_odd_characters(value)
    except (ValueError, RecursionError) as error:  # UnicodeError and the limit on digits are ValueErrors
        raise ApiError(400, "invalid_json", f"The body is not JSON that can be kept: {_reason(error)}.") from error
    return value


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeError):
        return "it holds characters that are not UTF-8"
    return "it is nested too deeply" if isinstance(error, RecursionError) else "it holds a value that JSON has not"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _finite(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _refuse(digits)


def _refuse_odd_characters(value: Any) -> None:
    """They can only come from an escape, so this runs only for a body that holds one."""
    text = json.dumps(value, ensure_ascii=False)
    text.encode()
    if _NUL.search(text):
        _refuse("NUL")
