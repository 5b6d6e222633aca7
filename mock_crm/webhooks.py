"""Serves subscriptions to webhooks."""

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, jsonify

from mock_crm import outbox, signature
from mock_crm.bodies import json_object
from mock_crm.crm import current
from mock_crm.errors import not_found
from mock_crm.fields import invalid
from mock_crm.guard import require_sign_in
from mock_crm.resources import RESOURCES

_LONGEST_URL = 2000
_LONGEST_SECRET = 500

blueprint = Blueprint("webhooks", __name__)
blueprint.before_request(require_sign_in)


@blueprint.post("/webhooks")
def subscribe() -> tuple[Response, int]:
    wanted = json_object()
    errors = {name: wrong for name, check in _CHECKS.items() if (wrong := check(wanted.get(name)))}
    if errors:
        raise invalid(errors)
    url, resources = wanted["url"], wanted.get("resources")
    with current().store.writing() as db:
        number, is_new = outbox.subscribe(db, url, wanted["secret"], resources, current().now)
    return jsonify(id=f"wh_{number}", url=url, resources=resources), 201 if is_new else 200


@blueprint.get("/webhooks")
def listing() -> Response:
    """Who is subscribed; the secrets are not told."""
    with current().store.reading() as db:
        found = outbox.subscriptions(db)
    return jsonify(items=[{**each, "id": f"wh_{each['id']}"} for each in found])


@blueprint.delete("/webhooks/wh_<int:number>")
def unsubscribe(number: int) -> tuple[str, int]:
    with current().store.writing() as db:
        if number >= 1 << 63 or not outbox.unsubscribe(db, number):
            raise not_found("There is no such webhook.")
    return "", 204


def _faults_of_url(url: Any) -> list[str]:
    if not isinstance(url, str) or len(url) > _LONGEST_URL:
        return [f"must be a string of at most {_LONGEST_URL} characters"]
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    return [] if good and url.isprintable() and " " not in url else ["must be an http or https address"]


def _faults_of_secret(secret: Any) -> list[str]:
    if not isinstance(secret, str) or not 0 < len(secret) <= _LONGEST_SECRET:
        return [f"must be a string of 1 to {_LONGEST_SECRET} characters"]
    try:
        signature.key_of(secret)
    except ValueError as error:
        return [f"is not usable: {error}"]
    return []


def _faults_of_resources(resources: Any) -> list[str]:
    known = [each.name for each in RESOURCES]
    if resources is None or (isinstance(resources, list) and all(each in known for each in resources)):
        return []
    return [f"must be a list of {', '.join(known)}"]


_CHECKS = {"url": _faults_of_url, "secret": _faults_of_secret, "resources": _faults_of_resources}
