"""Decides who may call: the limit a minute, then a bearer token or an API key."""

from flask import Flask, Response, g, request

from mock_crm.crm import current
from mock_crm.errors import ApiError
from mock_crm.stats import rest_of
from mock_crm.tokens import same

_REALM = 'Bearer realm="mock-crm"'


def install(app: Flask) -> None:
    app.before_request(_limit)
    app.after_request(_sign_off)


def _limit() -> None:
    if rest_of(request.path) is None:
        return
    allowed, headers = current().limit.spend()
    g.limit_headers = headers
    if not allowed:
        raise ApiError(429, "rate_limited", "Too many calls a minute; Retry-After says when to come back.")


def _sign_off(response: Response) -> Response:
    """What every answer carries: the caller's request id, and what is left of the limit."""
    request_id = request.headers.get("X-Request-Id", "")
    if request_id:
        response.headers["X-Request-Id"] = request_id[:200]
    for name, value in g.get("limit_headers", {}).items():
        response.headers[name] = value
    return response


def require_sign_in() -> None:
    """For every call but those that sign in; raises ApiError 401."""
    crm = current()
    api_key = request.headers.get("X-API-Key")
    if api_key is not None:
        if not same(api_key, crm.settings.api_key):
            raise _unauthorized("The API key is wrong.", _REALM)
        return
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise _unauthorized("Send Authorization: Bearer with a token, or X-API-Key.", _REALM)
    if not crm.tokens.is_good(token.strip()):
        raise _unauthorized("The token is wrong or has expired.", f'{_REALM}, error="invalid_token"')


def _unauthorized(message: str, challenge: str) -> ApiError:
    error = "invalid_token" if "invalid_token" in challenge else "unauthorized"
    return ApiError(401, error, message, headers={"WWW-Authenticate": challenge})
