"""REST for any declared resource: the same ten views, made from the declaration."""

import hashlib
import json
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Blueprint, Response, jsonify, request
from sqlalchemy.exc import DBAPIError

from app.core.errors import Invalid, NotNow
from app.core.record import Fields, Record
from app.core.resource import Resource
from app.core.schema import load
from app.http import batch, paging, present
from app.http.bodies import read_json
from app.http.wiring import engine
from app.services import operations, records, replays
from app.services.records import Claim, Repeated

log = structlog.get_logger(__name__)
KEY = re.compile(r"[\x21-\x7e]{1,255}")
CHANGES = 100


def blueprint(resource: Resource) -> Blueprint:
    """Return the routes of one resource."""
    views, routes = Views(resource), Blueprint(resource.name, __name__)
    one = f"/{resource.name}/<id:record_id>"
    routes.add_url_rule(f"/{resource.name}", "index", views.index, methods=["GET"])
    routes.add_url_rule(f"/{resource.name}", "create", views.create, methods=["POST"])
    routes.add_url_rule(f"/{resource.name}", "edit_many", views.edit_many, methods=["PATCH"])
    routes.add_url_rule(f"/{resource.name}/batch", "batch", views.batch, methods=["POST"])
    routes.add_url_rule(one, "read", views.read, methods=["GET"])
    routes.add_url_rule(one, "replace", views.replace, methods=["PUT"])
    routes.add_url_rule(one, "edit", views.edit, methods=["PATCH"])
    routes.add_url_rule(one, "delete", views.delete, methods=["DELETE"])
    routes.add_url_rule(f"{one}/changes", "changes", views.changes, methods=["GET"])
    routes.add_url_rule(f"{one}/sync", "sync", views.sync, methods=["POST"])
    return routes


@dataclass(frozen=True)
class Views:
    resource: Resource

    def index(self) -> Response:
        asked = paging.wanted(self.resource)
        found = records.listing(self.resource, asked)
        return paging.answer(asked, found, [present.record(record) for record in found.records])

    def create(self) -> Response:
        return self.create_from(read_json())

    def create_from(self, body: Any) -> Response:
        """Create a record from a body that was read."""
        fields = load(self.resource.full, body)
        claim = _claim(self.resource, body)
        try:
            record = records.create(engine(), self.resource, fields, claim=claim, wait=_waits())
        except Repeated:
            assert claim is not None
            return self._repeated(claim)
        shown = present.record(self._pushed(record))
        if claim is not None:
            replays.keep(claim, shown)
        return self._created(shown)

    def batch(self) -> Response:
        body = read_json()
        return batch.answer(self.resource, body, _claim(self.resource, body))

    def edit_many(self) -> Response:
        return batch.edit(self.resource, read_json())

    def read(self, record_id: str) -> Response:
        return present.answer(present.record(records.get(self.resource, record_id)))

    def replace(self, record_id: str) -> Response:
        body, expected = precondition(read_json())
        given = load(self.resource.full, body)
        return self._change(record_id, self.resource.whole(given), expected)

    def edit(self, record_id: str) -> Response:
        body, expected = precondition(read_json())
        return self._change(record_id, load(self.resource.partial, body), expected)

    def delete(self, record_id: str) -> tuple[str, int]:
        expected = present.expected_versions()
        record = records.delete(engine(), self.resource, record_id, expected=expected, wait=_waits())
        self._pushed(record, then_read=False)
        return "", 204

    def changes(self, record_id: str) -> Response:
        query = paging.Query(("limit", "before"))
        limit, before = query.number("limit", CHANGES, 1000), query.number("before", 0, 2**40)
        query.finish()
        found = records.changes(self.resource, record_id, limit, before or None)
        return jsonify({"data": found})

    def sync(self, record_id: str) -> Response:
        records.get(self.resource, record_id)
        operations.sync_record(engine(), self.resource, record_id)
        return present.answer(present.record(records.get(self.resource, record_id)))  # or 404: deleted in the CRM

    def _change(self, record_id: str, fields: Fields, expected: Collection[int] | None) -> Response:
        record = records.change(engine(), self.resource, record_id, fields, expected=expected, wait=_waits())
        return present.answer(present.record(self._pushed(record)))

    def _pushed(self, record: Record, *, then_read: bool = True) -> Record:
        """Push what was just stored, when the caller waits for that; return the record as it now stands."""
        if not _waits() or record.status == "synced":
            return record
        try:
            operations.push_now(engine(), record.id)
        except (NotNow, DBAPIError) as error:
            # It is stored, and the worker pushes it: a 503 now would say that it was not.
            log.warning("push_left_to_the_worker", record=record.id, error=type(error).__name__)
            return record
        return records.get(self.resource, record.id) if then_read else record

    def _created(self, shown: dict[str, Any]) -> Response:
        answer = present.answer(shown, 201)
        answer.headers["Location"] = present.location(self.resource.name, shown["id"])
        return answer

    def _repeated(self, claim: Claim) -> Response:
        earlier = replays.answer(engine(), self.resource, claim)
        answer = self._created(present.record(earlier) if isinstance(earlier, Record) else earlier)
        answer.headers["Idempotency-Replayed"] = "true"
        return answer


def _waits() -> bool:
    """Tell whether the answer waits for a push: in inline mode, unless the caller prefers not to."""
    return engine().inline and not _prefers_async()


def _prefers_async() -> bool:
    return "respond-async" in {part.strip().lower() for part in request.headers.get("Prefer", "").split(",")}


def precondition(body: Any) -> tuple[Any, Collection[int] | None]:
    """Take the version out of a body: it says what is changed, it is not a change."""
    if not isinstance(body, dict) or "version" not in body:
        return body, present.expected_versions()
    version = body["version"]
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise Invalid("version: Must be a positive number.", errors={"version": ["Must be a positive number."]})
    rest = {name: value for name, value in body.items() if name != "version"}
    return rest, present.expected_versions(version)


def _claim(resource: Resource, body: Any) -> Claim | None:
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not KEY.fullmatch(key):
        raise Invalid("The header Idempotency-Key must be 1 to 255 visible ASCII characters.")
    content = json.dumps([resource.name, body], sort_keys=True).encode()
    return Claim(f"{resource.name}:{key}", hashlib.sha256(content).hexdigest())
