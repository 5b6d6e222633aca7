"""Serves the calls that sign in: client credentials, a person's login, and its refresh."""

from typing import Any

from flask import Blueprint, Response, jsonify, request

from mock_crm.bodies import json_object
from mock_crm.crm import current
from mock_crm.errors import ApiError
from mock_crm.tokens import same

blueprint = Blueprint("sign_in", __name__)


@blueprint.post("/token")
def token() -> Response:
    """RFC 6749, 4.4: the client's name and secret by Basic, form or JSON."""
    given = _credentials()
    grant_type = given.get("grant_type")
    if grant_type not in (None, "client_credentials"):
        raise ApiError(400, "unsupported_grant_type", "Only client_credentials is supported.")
    settings = current().settings
    client_id, secret = given.get("client_id"), given.get("client_secret")
    if not (same(client_id, settings.client_id) and same(secret, settings.client_secret)):
        challenge = {"WWW-Authenticate": 'Basic realm="mock-crm"'}
        raise ApiError(401, "invalid_client", "The client id or its secret is wrong.", headers=challenge)
    return _carrying(current().tokens.access(settings.client_id))


@blueprint.post("/auth/login")
def login() -> Response:
    given, settings = json_object(), current().settings
    if not (same(given.get("username"), settings.username) and same(given.get("password"), settings.password)):
        raise ApiError(401, "invalid_credentials", "The user name or the password is wrong.")
    return _carrying(current().tokens.pair(settings.username))


@blueprint.post("/auth/refresh")
def refresh() -> Response:
    given = json_object().get("refresh_token")
    answer = current().tokens.exchange(given) if isinstance(given, str) else None
    if answer is None:
        raise ApiError(401, "invalid_token", "The refresh token is wrong, has expired or was used before.")
    return _carrying(answer)


def _credentials() -> dict[str, Any]:
    given = json_object() if request.is_json else request.form.to_dict()
    basic = request.authorization
    if basic is not None and basic.type == "basic":
        given |= {"client_id": basic.username, "client_secret": basic.password}
    return given


def _carrying(answer: dict[str, Any]) -> Response:
    response = jsonify(answer)
    response.headers["Cache-Control"] = "no-store"
    return response
