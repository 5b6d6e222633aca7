"""Many records in one request: each item is answered by itself, or all of them are stored or none."""

from collections.abc import Sequence
from typing import Any

import structlog
from flask import Response, jsonify

from app.core.errors import Invalid, Messages, ServiceError, Taken
from app.core.record import Fields, Record
from app.core.resource import Resource
from app.core.schema import load, summary
from app.http import present
from app.http.errors import STATUSES
from app.http.ids import is_id
from app.http.wiring import engine
from app.services import batches, records
from app.services.batches import Refused
from app.services.records import Claim, Repeated, Results

log = structlog.get_logger(__name__)
MOST = 1000
OK, CREATED = 200, 201
Draft = Fields | ServiceError


def answer(resource: Resource, body: Any, claim: Claim | None) -> Response:
    """Store what the items of a batch hold, and answer what became of each. Raises Invalid, Taken and KeyReused."""
    items, atomic = _asked(body)
    drafts = [_draft(resource, item) for item in items]
    good = [draft for draft in drafts if isinstance(draft, dict)]
    if atomic and len(good) < len(drafts):
        raise _refusal(_woven(drafts, batches.check_many(engine(), resource, good)))

    def show(results: Results) -> dict[str, Any]:
        return _shown(_woven(drafts, results))

    try:
        results = batches.create_many(engine(), resource, good, atomic=atomic, claim=claim, answer=show)
    except Refused as refused:
        raise _refusal(refused.results) from None
    except Repeated:
        assert claim is not None
        return _repeated(claim)
    shown = show(results)
    log.info("batch", resource=resource.name, created=shown["created"], failed=shown["failed"])
    return jsonify(shown)


def edit(resource: Resource, body: Any) -> Response:
    """Set the same fields in many records, and answer what became of each. Raises Invalid, NotFound and Taken."""
    fields, ids, atomic = _asked_to_edit(resource, body)
    results = records.change_many(engine(), resource, dict.fromkeys(ids, fields), atomic=atomic)
    failed = sum(isinstance(one, ServiceError) for one in results)
    log.info("edited_many", resource=resource.name, updated=len(results) - failed, failed=failed)
    shown = [_one(found, OK) for found in results]
    return jsonify({"success": not failed, "updated": len(results) - failed, "failed": failed, "results": shown})


def _asked_to_edit(resource: Resource, body: Any) -> tuple[Fields, list[str], bool]:
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object.")
    errors = {name: ["Unknown field."] for name in body if name not in {"ids", "set", "atomic"}}
    ids, given, atomic = body.get("ids"), body.get("set"), body.get("atomic", False)
    if not isinstance(ids, list) or not 0 < len(ids) <= MOST or not all(is_id(one) for one in ids):
        errors["ids"] = [f"Must be a list of 1 to {MOST} ids."]
    if not isinstance(given, dict) or not given:
        errors["set"] = ["Must be an object with the fields to set."]
    if not isinstance(atomic, bool):
        errors["atomic"] = ["Must be true or false."]
    if errors:
        raise Invalid(summary(errors), errors=errors)
    assert isinstance(ids, list)
    return load(resource.partial, given), [one.lower() for one in ids], atomic


def _asked(body: Any) -> tuple[list[Any], bool]:
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object.")
    errors = {name: ["Unknown field."] for name in body if name not in {"items", "atomic"}}
    items, atomic = body.get("items"), body.get("atomic", False)
    if not isinstance(items, list) or not 0 < len(items) <= MOST:
        errors["items"] = [f"Must be a list of 1 to {MOST} records."]
    if not isinstance(atomic, bool):
        errors["atomic"] = ["Must be true or false."]
    if errors:
        raise Invalid(summary(errors), errors=errors)
    assert isinstance(items, list)
    return items, atomic


def _draft(resource: Resource, item: Any) -> Draft:
    if not isinstance(item, dict):
        return Invalid("An item must be a JSON object.")
    try:
        return load(resource.full, item)
    except Invalid as error:
        return error


def _woven(drafts: Sequence[Draft], results: Results) -> Results:
    """Put what became of the valid items where they stood among all."""
    rest = iter(results)
    return [next(rest) if isinstance(draft, dict) else draft for draft in drafts]


def _shown(results: Results) -> dict[str, Any]:
    failed = sum(isinstance(one, ServiceError) for one in results)
    return {
        "success": not failed,
        "created": len(results) - failed,
        "failed": failed,
        "results": [_one(found, CREATED) for found in results],
    }


def _one(found: Record | ServiceError, status: int) -> dict[str, Any]:
    if isinstance(found, Record):
        return {"status": status, "record": present.record(found)}
    return {
        "status": int(STATUSES[type(found)]),
        "code": found.code,
        "detail": found.detail,
        "errors": found.errors or {},
    }


def _refusal(results: Results) -> ServiceError:
    """Return the one error that stands for all of a batch that is all or nothing."""
    wrong = {place: one for place, one in enumerate(results) if isinstance(one, ServiceError)}
    errors: Messages = {}
    for place, one in wrong.items():
        named = {f"items[{place}].{name}": found for name, found in (one.errors or {}).items()}
        errors |= named or {f"items[{place}]": [one.detail]}
    kind = Taken if all(isinstance(one, Taken) for one in wrong.values()) else Invalid
    first = summary(dict([next(iter(errors.items()))]))
    return kind(f"Nothing was stored: {len(wrong)} of {len(results)} items cannot be. {first}", errors=errors)


def _repeated(claim: Claim) -> Response:
    again = jsonify(batches.repeated(claim))
    again.headers["Idempotency-Replayed"] = "true"
    return again
