"""What the web process refuses by itself, without running the application: in the application's words all the same."""

from http import HTTPStatus
from threading import Lock

import structlog
from gunicorn.http.message import Request

from app.core.errors import NotNow
from app.http.access import OWN_PROOF
from app.http.errors import PROBLEM, code_of, worded

PATIENCE = 1.0
"""Seconds that a delivery may wait for a thread. Its sender asks again by itself; a person's request rather waits."""
QUIET = 10.0
"""Seconds without a refusal after which the next one is news."""
DETAILS = {
    HTTPStatus.BAD_REQUEST: "This is no request of HTTP/1.1.",
    HTTPStatus.REQUEST_URI_TOO_LONG: "The address is longer than it may be.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The headers are larger than they may be.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something went wrong here; the log has it.",
}
Headers = list[tuple[str, str]]
log = structlog.get_logger(__name__)


def is_delivery(request: Request) -> bool:
    return request.method == "POST" and request.path in OWN_PROOF


def too_many(request_id: str) -> tuple[int, Headers, bytes]:
    """Return the answer to a delivery that waited too long, as status, headers and body."""
    detail = "More arrives than can be taken in; nothing of this was stored."
    headers, body = _problem(NotNow.code, detail, HTTPStatus.SERVICE_UNAVAILABLE, request_id, NotNow.title)
    return HTTPStatus.SERVICE_UNAVAILABLE, [*headers, ("Retry-After", "1")], body


def no_request(status: int, request_id: str) -> bytes:
    """Return all of the answer to what is not HTTP, or too large to be read."""
    phrase = HTTPStatus(status).phrase
    headers, body = _problem(code_of(status), DETAILS.get(HTTPStatus(status), phrase), status, request_id)
    lines = [f"HTTP/1.1 {status} {phrase}", "Connection: close", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _problem(code: str, detail: str, status: int, request_id: str, title: str | None = None) -> tuple[Headers, bytes]:
    body = worded(status, code, detail, request_id, title=title).encode()
    return [("Content-Type", PROBLEM), ("Content-Length", str(len(body))), ("X-Request-Id", request_id)], body


class Burst:
    """Refusals that come close together are one piece of news for whoever is on call."""

    def __init__(self) -> None:
        self._last = -QUIET
        self._lock = Lock()

    def note(self, now: float, connections: int) -> None:
        """Write one line when refusing begins; the metrics count the rest."""
        with self._lock:
            begins = now - self._last >= QUIET
            self._last = now
        if begins:
            log.warning("webhooks_refused", connections=connections, effect="503: their sender has to send them again")
