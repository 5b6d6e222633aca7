"""Every error of every route as application/problem+json (RFC 9457), and the only place where a status is chosen."""

import json
import math
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, g, request
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection
from werkzeug.exceptions import HTTPException

from app.core import errors
from app.core.errors import NotNow, ServiceError
from app.crm import CRMError
from app.http.bodies import Unsupported

log = structlog.get_logger(__name__)
PROBLEM = "application/problem+json"
STATUSES: dict[type[ServiceError], HTTPStatus] = {
    errors.Invalid: HTTPStatus.BAD_REQUEST,
    Unsupported: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Taken: HTTPStatus.CONFLICT,
    errors.AlreadyDecided: HTTPStatus.CONFLICT,
    errors.Stale: HTTPStatus.PRECONDITION_FAILED,
    errors.KeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Unauthorized: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.NotNow: HTTPStatus.SERVICE_UNAVAILABLE,
}
COPIED = ("Allow", "Retry-After", "WWW-Authenticate")


def register(app: Flask) -> None:
    """Answer every error of the application as a problem."""
    app.register_error_handler(ServiceError, _service_error)
    app.register_error_handler(CRMError, _crm_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(NoConnection, lambda _: _not_now())
    app.register_error_handler(RecursionError, lambda _: problem(400, "invalid", "The request is nested too deep."))


def problem(status: int, code: str, detail: str, *, title: str | None = None, **more: Any) -> Response:
    """Return a problem, and with it the id of the request."""
    text = worded(status, code, detail, g.get("request_id", ""), title=title, **more)
    return Response(text, status, mimetype=PROBLEM)


def worded(status: int, code: str, detail: str, request_id: str, *, title: str | None = None, **more: Any) -> str:
    """Word a problem. `error` repeats the detail for clients that read one sentence only."""
    body = {
        "type": "about:blank",
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": request_id,
        "error": detail,
        **more,
    }
    return json.dumps(body, ensure_ascii=False)


def code_of(status: int) -> str:
    """Return the code of what is refused for no reason of ours: 405 is `method_not_allowed`."""
    return HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")


def _service_error(error: ServiceError) -> Response:
    status = STATUSES[type(error)]
    fields = {} if error.errors is None and status == HTTPStatus.BAD_REQUEST else error.errors
    more = {} if fields is None else {"errors": fields}
    answer = problem(status, error.code, error.detail, title=error.title, **more)
    if error.retry_after is not None:
        answer.headers["Retry-After"] = str(math.ceil(error.retry_after))
    if status == HTTPStatus.UNAUTHORIZED and request.path.endswith("webhook") is False:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _crm_error(error: CRMError) -> Response:
    """Answer a question that only the CRM can answer, and does not."""
    return _service_error(NotNow(f"The CRM does not tell us: {error.message}", retry_after=error.retry_after))


def _http_error(error: HTTPException) -> Response:
    """Answer what Flask refused by itself: 404, 405, 413, a 500 for a bug."""
    status = error.code or 500
    if status < HTTPStatus.BAD_REQUEST:
        assert isinstance(error, HTTPException)
        return Response(status=status, headers=error.get_response().headers)
    answer = problem(status, code_of(status), _detail(error, status))
    for name, value in error.get_headers():
        if name in COPIED:
            answer.headers[name] = value
    return answer


def _detail(error: HTTPException, status: int) -> str:
    own = {
        404: "There is nothing at this address.",
        405: "This address does not take this method.",
        413: "The body is larger than it may be.",
        500: "Something went wrong here; the log has it under this request id.",
    }
    return own.get(status) or error.description or HTTPStatus(status).phrase


def _database_error(error: DBAPIError) -> Response:
    """Answer a database that is locked, full, read-only or away: nothing was stored, the same may work later."""
    code = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None)
    log.error("database_unavailable", error=type(error.orig).__name__, code=code)
    return _not_now()


def _not_now() -> Response:
    answer = problem(503, "not_now", "The database cannot take this now.", title=errors.NotNow.title)
    answer.headers["Retry-After"] = "1"
    return answer
