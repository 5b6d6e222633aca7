"""References: a field that names a record of another resource, by our id here and by the CRM's id there."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from marshmallow import ValidationError, fields

from app.core.kinds import Kind, Text

LONGEST_CRM_ID = 255
_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)


class Reference(Kind, fields.String):
    """The id of a record of another resource. The CRM is told its `crm_id`."""

    sortable = False
    targets: ClassVar[Mapping[str, str]] = {}
    """Resource by the word in the field `beside`; under "" when it is always the same."""
    beside: ClassVar[str | None] = None

    @classmethod
    def to(cls, resource: str) -> type["Reference"]:
        """Return the kind of a reference to records of one resource."""
        return type("Reference", (cls,), {"targets": {"": resource}, "__doc__": cls.__doc__})

    @classmethod
    def by(cls, beside: str, targets: Mapping[str, str]) -> type["Reference"]:
        """Return the kind of a reference whose resource is said by the word in another field."""
        return type("Reference", (cls,), {"targets": dict(targets), "beside": beside, "__doc__": cls.__doc__})

    @classmethod
    def target(cls, values: Mapping[str, Any]) -> str | None:
        """Return the resource that is meant among these values; None when they do not say."""
        return cls.targets.get("" if cls.beside is None else str(values.get(cls.beside)))

    @classmethod
    def told(cls, **about: Any) -> fields.Field[Any]:
        """Read the CRM's id: which record of ours that is, only the store knows."""
        return Text.told(**about)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:  # noqa: ARG002
        if not isinstance(value, str) or not _UUID.fullmatch(value):
            raise ValidationError("Not a valid id: it must be a UUID.")
        return value.lower()
