"""Lists the ways this CRM can misbehave, with the parameters each one takes."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mock_crm.errors import ApiError

REQUIRED = object()
Check = Callable[[Any], bool]


@dataclass(frozen=True)
class Parameter:
    name: str
    must_be: str
    check: Check
    default: Any = REQUIRED


def number(name: str, most: float, default: Any = REQUIRED) -> Parameter:
    def check(value: Any) -> bool:
        return type(value) in (int, float) and math.isfinite(value) and 0 <= value <= most

    return Parameter(name, f"a number from 0 to {most:g}", check, default)


def whole(name: str, least: int, most: int, default: Any = REQUIRED) -> Parameter:
    def check(value: Any) -> bool:
        return type(value) is int and least <= value <= most

    return Parameter(name, f"a whole number from {least} to {most}", check, default)


def text(name: str, default: Any = REQUIRED) -> Parameter:
    return Parameter(name, "a string of one line in Latin-1", _is_header, default)


def flag(name: str, default: bool) -> Parameter:
    return Parameter(name, "true or false", lambda value: isinstance(value, bool), default)


def _is_header(value: Any) -> bool:
    """Whether a value can go into a header as it is."""
    return isinstance(value, str) and value.isprintable() and max(value, default="") <= "\xff"


def _are_headers(value: Any) -> bool:
    return isinstance(value, dict) and all(_is_header(each) for pair in value.items() for each in pair)


HEADERS = Parameter("headers", "an object of strings", _are_headers, {})
BODY = Parameter("body", "any JSON", lambda _: True, None)
SECONDS = number("seconds", 3600)

# `write` says whether the call does its work before it is answered wrongly.
ANSWERS: Mapping[str, tuple[Parameter, ...]] = {
    "status": (whole("status", 400, 599), BODY, HEADERS, text("retry_after", None), flag("write", False)),
    "slow": (SECONDS,),
    "drip": (number("seconds", 60, 0.1),),
    "hang": (SECONDS, flag("write", False)),
    "cut_before": (),
    "cut_after": (),
    "truncated": (),
    "html": (flag("write", False),),
    "bad_json": (flag("write", True),),
    "empty": (whole("status", 200, 204, 200), flag("write", True)),
    "no_crm_id": (),
    "null_crm_id": (),
    "wrong_crm_id": (text("crm_id", "CRM999999"),),
    "alter": (
        Parameter("set", "an object", lambda value: isinstance(value, dict), {}),
        Parameter("rename", "an object of strings", _are_headers, {}),
    ),
    "repeat_items": (),
    "error_in_200": (text("error", "internal"), flag("write", False)),
    "huge": (whole("megabytes", 1, 100_000), flag("write", True)),
    "redirect": (text("location"), whole("status", 301, 308, 302)),
    "expired_token": (),
}
# These stay until they are healed.
LASTING: Mapping[str, tuple[Parameter, ...]] = {
    "normalise": (),
    "digits_only": (),
    "truncate_fields": (whole("length", 1, 10_000, 40),),
    "ignore_field": (text("field"),),
    "no_idempotency": (),
    "lists_late": (SECONDS,),
}
WEBHOOKS: Mapping[str, tuple[Parameter, ...]] = {
    "webhook_drop": (),
    "webhook_double": (),
    "webhook_delay": (SECONDS,),
    "webhook_shuffle": (),
}
MODES: Mapping[str, tuple[Parameter, ...]] = {**ANSWERS, **LASTING, **WEBHOOKS}

_COUNT = whole("count", 1, 1_000_000)
_COMMON = (
    text("resource", None),
    text("method", None),
    text("path", None),
    whole("after", 0, 1_000_000, 0),
    number("chance", 1, 1),
)


def read(payload: Mapping[str, Any]) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """The mode, which calls it is for, and its parameters; raises ApiError 400 naming the mistake."""
    mode = payload.get("mode")
    if not isinstance(mode, str) or mode not in MODES:
        raise _refusal(f"mode must be one of {', '.join(MODES)}")
    unknown = set(payload) - {"mode", "count", *(each.name for each in (*_COMMON, *MODES[mode]))}
    if unknown:
        raise _refusal(f"{mode} does not take {', '.join(sorted(unknown))}")
    target = {each.name: _value(each, payload) for each in _COMMON}
    target["count"] = _count(mode, payload)
    return mode, target, {each.name: _value(each, payload) for each in MODES[mode]}


def _count(mode: str, payload: Mapping[str, Any]) -> int | None:
    """How many calls; None is until healed."""
    if mode in LASTING or ("count" in payload and payload["count"] is None and mode != "webhook_shuffle"):
        return None
    return int(_value(_COUNT, {"count": 1, **payload}))


def _value(parameter: Parameter, payload: Mapping[str, Any]) -> Any:
    value = payload.get(parameter.name)
    if value is None and parameter.default is not REQUIRED:
        return parameter.default
    if not parameter.check(value):
        raise _refusal(f"{parameter.name} must be {parameter.must_be}")
    return value


def _refusal(sentence: str) -> ApiError:
    return ApiError(400, "invalid_fault", f"{sentence}.")
