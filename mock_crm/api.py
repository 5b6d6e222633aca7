"""Serves records over HTTP, the same for every declared resource."""

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request

from mock_crm import feed, listing, records, times
from mock_crm.bodies import json_object
from mock_crm.crm import current
from mock_crm.errors import ApiError
from mock_crm.fields import Resource, invalid
from mock_crm.guard import require_sign_in
from mock_crm.idempotency import Answer, key_of_call, once
from mock_crm.records import Record
from mock_crm.writing import Writing, live

LONGEST_BATCH = 1000

blueprint = Blueprint("api", __name__)
blueprint.before_request(require_sign_in)


@blueprint.post("/<resource:resource>")
def create(resource: Resource) -> Response:
    payload = json_object()
    draft = resource.draft(payload)
    key = None if draft.errors else key_of_call(resource.name, payload)

    def work() -> Answer:
        record = writing.create(resource, draft)
        place = f"{request.path}/{record.crm_id}"
        return Answer(201, record.as_json(), {"Location": place, "ETag": f'"{record.version}"'})

    with current().writing() as writing:
        return once(writing.db, key, work)


@blueprint.get("/<resource:resource>")
def several(resource: Resource) -> Response:
    external_id = request.args.get("external_id")
    if "updated_since" not in request.args and external_id is None and listing.is_meant(resource, request.args):
        with current().store.reading() as db:
            return jsonify(listing.page(db, resource, request.args))
    limit = feed.limit_of(request.args.get("limit"))
    late = current().faults.lasting("lists_late", resource.name)
    hide_after = times.stamp(current().settings.clock() - late.parameters["seconds"]) if late else None
    with current().store.reading() as db:
        if external_id is None:
            since = request.args.get("updated_since", "")
            return Response(feed.page(db, resource, since, limit, hide_after=hide_after), mimetype="application/json")
        found = records.find_by_external_id(db, resource.name, external_id)
    return jsonify(items=[each.as_json() for each in found], next_cursor=None, has_more=False)


@blueprint.get("/<resource:resource>/<crm_id>")
def read(resource: Resource, crm_id: str) -> Response:
    with current().store.reading() as db:
        record = live(db, resource, crm_id)
    response = _shown(record)
    response.make_conditional(request)
    return response


@blueprint.get("/<resource:resource>/<crm_id>/<resource:children>")
def belonging(resource: Resource, crm_id: str, children: Resource) -> Response:
    with current().store.reading() as db:
        record = live(db, resource, crm_id)
        return jsonify(listing.page(db, children, request.args, listing.belonging(children, resource, record)))


@blueprint.patch("/<resource:resource>/<crm_id>/<action:action>")
def act(resource: Resource, crm_id: str, action: str) -> Response:
    draft = resource.action(action, json_object())
    with current().writing() as writing:
        return _shown(writing.update(resource, crm_id, draft, _expected()))


@blueprint.route("/<resource:resource>/<crm_id>", methods=["PUT", "PATCH"])
def update(resource: Resource, crm_id: str) -> Response:
    draft = resource.draft(json_object(), partial=request.method == "PATCH")
    with current().writing() as writing:
        return _shown(writing.update(resource, crm_id, draft, _expected()))


@blueprint.delete("/<resource:resource>/<crm_id>")
def delete(resource: Resource, crm_id: str) -> tuple[str, int]:
    with current().writing() as writing:
        writing.delete(resource, crm_id, _expected())
    return "", 204


@blueprint.post("/<resource:resource>/<crm_id>/merge")
def merge(resource: Resource, crm_id: str) -> Response:
    """Merge the record that the body names into this one, which is answered."""
    loser_id = json_object().get("crm_id")
    if not isinstance(loser_id, str):
        raise invalid({"crm_id": ["must name the record to merge into this one"]})
    with current().writing() as writing:
        return _shown(writing.merge(resource, crm_id, loser_id, _expected()))


@blueprint.post("/<resource:resource>/batch")
def batch(resource: Resource) -> Response:
    payload = json_object()
    items = payload.get("items")
    if not isinstance(items, list) or len(items) > LONGEST_BATCH:
        raise ApiError(400, "validation_failed", f"items must be a list of at most {LONGEST_BATCH}.")
    key = key_of_call(f"{resource.name}/batch", payload)
    with current().writing() as writing:
        return once(writing.db, key, lambda: _upserted(writing, resource, items))


def _upserted(writing: Writing, resource: Resource, items: list[object]) -> Answer:
    return Answer(200, {"results": [writing.upsert(resource, item) for item in items]}, {})


def _shown(record: Record) -> Response:
    response = jsonify(record.as_json())
    response.set_etag(str(record.version))
    return response


def _expected() -> Callable[[int], bool]:
    """Whether If-Match allows a version; without one, any."""
    if "If-Match" not in request.headers:
        return lambda _: True
    wanted = request.if_match
    return lambda version: wanted.contains(str(version))
