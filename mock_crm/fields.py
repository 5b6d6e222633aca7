"""Says how a resource is declared, and checks what arrives against the declaration."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mock_crm.errors import ApiError

EXTERNAL_ID_LENGTH = 200
_PLAUSIBLE_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


@dataclass(frozen=True)
class Field:
    name: str
    max_length: int
    required: bool = False
    kind: Literal["text", "email", "tel"] = "text"

    def fault(self, value: object) -> str | None:
        """What is wrong with a value, in words; nothing when it is fine."""
        if value is None:
            return "must not be null" if self.required else None
        if not isinstance(value, str):
            return "must be a string"
        if self.required and not value.strip():
            return "must not be blank"
        return self._fault_of_text(value)

    def _fault_of_text(self, value: str) -> str | None:
        if len(value) > self.max_length:
            return f"must be at most {self.max_length} characters"
        if "\0" in value:
            return "must not hold a NUL character"
        if self.kind == "email" and value and not _PLAUSIBLE_EMAIL.fullmatch(value):
            return "must be an e-mail address"
        return None


@dataclass(frozen=True)
class Draft:
    """What a caller wants stored: checked values of the fields that were given."""

    values: dict[str, Any]
    about: dict[str, Any] = field(default_factory=dict)
    """`external_id` when it was given: it describes the record but is none of its fields."""


class Resource:
    """A kind of record: its name in addresses, and its fields in the order people see them."""

    def __init__(self, name: str, *fields: Field) -> None:
        self.name = name
        self.fields = fields

    def draft(self, payload: Mapping[str, Any], *, partial: bool = False) -> Draft:
        """Check a payload; raises ApiError 400 naming every wrong field. Unknown fields are ignored.

        A partial draft holds only what was given. A full one gives null to what was not.
        """
        errors: dict[str, list[str]] = {}
        values: dict[str, Any] = {}
        for each in self.fields:
            if each.name in payload:
                value = values[each.name] = payload[each.name]
                if wrong := each.fault(value):
                    errors[each.name] = [wrong]
            elif not partial:
                values[each.name] = None
                if each.required:
                    errors[each.name] = ["is required"]
        about = {"external_id": payload["external_id"]} if "external_id" in payload else {}
        if about and (wrong := _fault_of_external_id(about["external_id"])):
            errors["external_id"] = [wrong]
        if errors:
            raise invalid(errors)
        return Draft(values, about)

    def missing(self, draft: Draft) -> dict[str, list[str]]:
        """The required fields that a partial draft lacks."""
        lacking = (each.name for each in self.fields if each.required and each.name not in draft.values)
        return {name: ["is required"] for name in lacking}


def invalid(errors: Mapping[str, list[str]]) -> ApiError:
    sentence = "; ".join(f"{name} {' and '.join(wrong)}" for name, wrong in errors.items())
    return ApiError(400, "validation_failed", f"{sentence}.", errors=dict(errors))


def _fault_of_external_id(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not value.strip():
        return "must be a non-blank string or null"
    return f"must be at most {EXTERNAL_ID_LENGTH} characters" if len(value) > EXTERNAL_ID_LENGTH else None
