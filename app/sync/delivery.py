"""What one webhook says: read, checked and turned into a snapshot. Pure."""

import hashlib
import json
from typing import Any

from marshmallow import EXCLUDE, Schema, fields, validate

from app.core import mapping
from app.core.errors import Invalid
from app.core.kinds import Text, Time, format_time, parse_time
from app.core.record import Snapshot, Stamp
from app.core.resource import Registry
from app.core.schema import load, summary

EVENTS = ("updated", "created", "deleted")
MOST = 100
FUTURE = 300
"""Seconds by which the CRM's clock may be ahead of ours before its stamps prove nothing."""


class Delivered(Schema):
    """The body of a webhook; fields that later CRMs may add are passed over."""

    crm_id = Text(required=True, validate=validate.Length(min=1, max=255))
    updated_fields = fields.Dict(keys=fields.String(), load_default=dict)
    timestamp = Time(required=True)
    resource = Text(load_default="users")
    event = Text(load_default="updated", validate=validate.OneOf(EVENTS))
    version = fields.Integer(strict=True, allow_none=True, load_default=None, validate=validate.Range(0, 2**63 - 1))
    external_id = Text(allow_none=True, load_default=None, validate=validate.Length(max=255))
    merged_into = Text(allow_none=True, load_default=None, validate=validate.Length(max=255))


_SCHEMA = Delivered(unknown=EXCLUDE)


def read(body: object, registry: Registry) -> dict[str, Any]:
    """Check one delivery and return it as it is kept. Raises Invalid, naming every wrong field."""
    loaded = load(_SCHEMA, body)
    resource = registry.get(loaded["resource"])
    if resource is None:
        known = ", ".join(registry)
        raise Invalid(summary({"resource": [f"Must be one of: {known}."]}), errors={"resource": ["Unknown resource."]})
    if "updated_fields" not in body and loaded["event"] != "deleted":  # type: ignore[operator]
        errors = {"updated_fields": ["Missing data for required field."]}
        raise Invalid(summary(errors), errors=errors)
    _check_values(loaded, registry)
    return {**loaded, "timestamp": format_time(loaded["timestamp"])}


def _check_values(loaded: dict[str, Any], registry: Registry) -> None:
    _, wrong = mapping.from_crm(registry[loaded["resource"]], loaded["updated_fields"])
    if wrong:
        errors = {f"updated_fields.{name}": messages for name, messages in wrong.items()}
        raise Invalid(summary(errors), errors=errors)


def to_snapshot(body: dict[str, Any]) -> Snapshot:
    """Return what a kept delivery says."""
    return Snapshot(
        crm_id=body["crm_id"],
        external_id=body["external_id"],
        fields=body["updated_fields"],
        stamp=Stamp(body["version"], parse_time(body["timestamp"])),
        deleted=body["event"] == "deleted",
        whole=False,
        merged_into=body.get("merged_into"),
    )


def of_deletion(snapshot: Snapshot) -> dict[str, Any]:
    """Return what a deletion says, in the form in which deliveries are kept."""
    return {
        "crm_id": snapshot.crm_id,
        "external_id": snapshot.external_id,
        "updated_fields": {},
        "version": snapshot.stamp.version,
        "timestamp": format_time(snapshot.stamp.at),
        "event": "deleted",
        "merged_into": snapshot.merged_into,
    }


def derived_id(body: dict[str, Any]) -> str:
    """Return the id of an unsigned delivery: the same content is the same delivery."""
    content = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
    return f"sha256-{hashlib.sha256(content).hexdigest()}"
