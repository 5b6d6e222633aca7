"""Counts calls by kind and by status, from outside the app so that a call a fault cut off counts as well."""

import threading
from collections import Counter
from collections.abc import Callable, Container, Iterable
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

CUT = 499
"""Counted as the status of a call whose connection was cut before an answer."""
PREFIXES = ("/crm/", "/api/v1/")
_AUTH = {"token": "token", "auth/login": "login", "auth/refresh": "refresh"}
_NAMED = {"batch"}


def rest_of(path: str) -> str | None:
    """What follows /crm/ or /api/v1/; nothing for the page and for the controls of the mock itself."""
    for prefix in PREFIXES:
        if path.startswith(prefix) and not path.startswith("_", len(prefix)):
            return path[len(prefix) :]
    return None


def kind_of(method: str, rest: str, below: Container[str]) -> str:
    """The label of a call: `POST users`, `PATCH users/<id>`, `token`; `below` are the known words after an id."""
    if rest in _AUTH:
        return _AUTH[rest]
    first, _, second = rest.partition("/")
    if not second:
        return f"{method} {first}"
    if second in _NAMED:
        return f"{method} {first}/{second}"
    last = second.partition("/")[2]
    return f"{method} {first}/<id>/{last}" if last in below else f"{method} {first}/<id>"


class Stats:
    def __init__(self, labels: Iterable[str], below: Iterable[str]) -> None:
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._statuses: Counter[str] = Counter()
        self._known = {*labels, "webhooks"}
        self._below = frozenset(below)

    def count(self, kind: str, status: str) -> None:
        with self._lock:
            self._calls[kind] += 1
            self._statuses[status] += 1

    def reset(self) -> None:
        with self._lock:
            self._calls.clear()
            self._statuses.clear()

    def as_json(self) -> dict[str, Any]:
        with self._lock:
            return {
                "calls": dict(sorted(self._calls.items())),
                "by_status": dict(sorted(self._statuses.items())),
                "total": self._calls.total(),
            }

    def around(self, app: WSGIApplication) -> WSGIApplication:
        def counted(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            rest = rest_of(environ["PATH_INFO"])
            if rest is None:
                return app(environ, start_response)
            kind = self._kind(environ["REQUEST_METHOD"], rest)
            try:
                return app(environ, self._noting(kind, start_response))
            except ConnectionError:
                self.count(kind, str(CUT))
                raise

        return counted

    def _kind(self, method: str, rest: str) -> str:
        """Addresses that nobody serves are one kind: strangers must not fill the memory with labels."""
        kind = kind_of(method, rest, self._below)
        known = rest in _AUTH or (rest.partition("/")[0] in self._known and len(method) < len("PROPFIND"))
        return kind if known else "other"

    def _noting(self, kind: str, start_response: StartResponse) -> StartResponse:
        def noting(status: str, headers: list[tuple[str, str]], *rest: Any) -> Callable[[bytes], object]:
            self.count(kind, status[:3])
            return start_response(status, headers, *rest)

        return noting
