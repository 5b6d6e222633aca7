"""Says how a resource is declared, and checks what arrives against the declaration."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mock_crm.errors import ApiError, not_found
from mock_crm.kinds import Kind, Reference

EXTERNAL_ID_LENGTH = 200

Errors = dict[str, list[str]]


@dataclass(frozen=True)
class Field:
    name: str
    kind: Kind
    required: bool = False
    default: Any = None
    """What a record has that was stored without the field."""

    def fault(self, value: object) -> str | None:
        """What is wrong with a value, in words; nothing when it is fine."""
        if value is None:
            return "must not be null" if self.required else None
        if self.required and isinstance(value, str) and not value.strip():
            return "must not be blank"
        return self.kind.fault(value)

    def kept(self, value: Any) -> Any:
        return None if value is None else self.kind.kept(value)

    def read(self, text: str) -> Any:
        """What a form means; it cannot say null, so an empty optional field means that nothing is there."""
        return self.kind.read(text) if text or not self.required else text


@dataclass(frozen=True)
class Draft:
    """What a caller wants stored: values of the fields that were given, and what is wrong with them.

    `Writing` refuses a draft that has errors. It checks the references first, so that all are named at once.
    """

    values: dict[str, Any]
    about: dict[str, Any] = field(default_factory=dict)
    """`external_id` when it was given: it describes the record but is none of its fields."""
    errors: Errors = field(default_factory=dict)


class Resource:
    """A kind of record: its name in addresses, and its fields in the order people see them.

    `listed` are the fields in the table for people; `prefix` is what people need not read in a field's name;
    `actions` are addresses of their own for changes of a few fields.
    """

    def __init__(
        self,
        name: str,
        *fields: Field,
        listed: tuple[str, ...] = (),
        prefix: str = "",
        actions: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        self.name = name
        self.fields = fields
        self.prefix = prefix
        self.actions = actions or {}
        self.columns = [each for each in fields if each.name in listed or not listed]
        self.defaults = {each.name: each.default for each in fields}

    def plain(self, field: Field) -> str:
        """A field's name without what all of them begin with."""
        return field.name.removeprefix(self.prefix)

    @property
    def references(self) -> list[tuple[Field, Reference]]:
        return [(each, each.kind) for each in self.fields if isinstance(each.kind, Reference)]

    def draft(self, payload: Mapping[str, Any], *, partial: bool = False) -> Draft:
        """Check a payload. Unknown fields are ignored.

        A partial draft holds only what was given. A full one gives its default to what was not.
        """
        errors: Errors = {}
        values: dict[str, Any] = {}
        for each in self.fields:
            if each.name in payload:
                if wrong := each.fault(payload[each.name]):
                    errors[each.name] = [wrong]
                else:
                    values[each.name] = each.kept(payload[each.name])
            elif not partial:
                values[each.name] = each.default
                if each.required:
                    errors[each.name] = ["is required"]
        about = {"external_id": payload["external_id"]} if "external_id" in payload else {}
        if about and (wrong := _fault_of_external_id(about["external_id"])):
            errors["external_id"] = [wrong]
            about = {}
        return Draft(values, about, errors)

    def action(self, name: str, payload: Mapping[str, Any]) -> Draft:
        """The draft of an action, which needs all its fields and takes no other; raises ApiError 404."""
        if name not in self.actions:
            raise not_found(f"There is no {name} for {self.name}.")
        draft = self.draft({each: payload[each] for each in self.actions[name] if each in payload}, partial=True)
        lacking = (each for each in self.actions[name] if each not in payload)
        return Draft(draft.values, errors=draft.errors | {each: ["is required"] for each in lacking})

    def missing(self, draft: Draft) -> Errors:
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
