"""JSON as strangers send it, read strictly (RFC 8259): a value that every database can hold, or a ValueError.

A name given twice is refused (RFC 7493): two programs may each believe another of its values.
"""

import json
from typing import Any

DEEPEST = 50


class Unfit(ValueError):
    """It is JSON, and cannot be stored: the message says what it does, as in "is nested too deep"."""


def parse(text: str) -> Any:
    """Return the value. Raises ValueError: no JSON, NaN, a number too large, a name twice; and Unfit."""
    try:
        value = json.loads(
            text, parse_constant=_refuse_constant, parse_float=_number, parse_int=_integer, object_pairs_hook=_object
        )
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    _check(value, 0)
    return value


def _check(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise Unfit(f"is nested more than {DEEPEST} levels deep")
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
        raise Unfit("holds a NUL character, which cannot be stored")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise Unfit("holds half a surrogate pair, which is no character") from error


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
