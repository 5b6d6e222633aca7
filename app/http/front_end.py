"""The front end's dialect at /api: the same API with names in camelCase, every answer inside one envelope.

A request is reworded before the application sees it and its answer after; what happens between is the API's own.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from flask import Flask, Response, request

from app.core.resource import Registry
from app.core.schema import READ_ONLY
from app.http import bodies
from app.http.errors import PROBLEM

PREFIX = "/api"
OWN_WORDS = ("/api/v1/", "/api/api/")
"""What is under the prefix in the API's own words, or is nothing."""
JSON = "application/json"
SPELLING = "crm-sync.front_end"
APART = ("webhook", "health", "docs")
"""Blueprints that do not speak to the front end: they read and answer here as they do elsewhere."""
SYNONYMS = {"updatedAt": "last_updated", "lastUpdated": "updated_at"}
QUERY_SYNONYMS = {"search": "q", "itemsPerPage": "per_page"}
NAMING = ("sort", "field")
"""Query parameters whose value is the name of a field."""
VALUES = frozenset({"value", "from", "to", "local", "last_told", "here"})
"""Members that hold the value of a field, whatever that is; so does `crm` where it stands beside one of these."""
BY_FIELD = ("fields", "changes")
"""Members that hold something for each field, or the names of fields."""
MENTIONED = (*READ_ONLY, "record_id", "run_id", "per_page", "updated_since")
PAGINATION = {"page": "currentPage", "pages": "totalPages", "total": "totalItems", "per_page": "itemsPerPage"}
SYNONYM_OF = {ours: theirs for theirs, ours in SYNONYMS.items()}
_TOKEN = re.compile(r"\w+")
_PLACE = re.compile(r"items\[\d+\]\.")
Wsgi = Callable[[dict[str, Any], Any], Iterable[bytes]]


def to_ours(name: str) -> str:
    """Return the API's name for a name of the front end.

    It can be undone for every text: an underscore of theirs is doubled. So `first_name` is unknown to the API, which
    refuses it under the spelling in which it was sent.
    """
    if name in SYNONYMS:
        return SYNONYMS[name]
    return re.sub(r"_(?![0-9])|[A-Z]", lambda found: "__" if found[0] == "_" else f"_{found[0].lower()}", name)


def to_theirs(name: str) -> str:
    """Return the front end's name for a name of the API."""
    return SYNONYM_OF.get(name) or re.sub(r"_(_|[a-z])", lambda found: found[1].upper(), name)


def register(app: Flask, registry: Registry) -> None:
    """Answer under /api what the application answers elsewhere."""
    app.wsgi_app = Rewording(app.wsgi_app, registry)  # type: ignore[method-assign]
    app.after_request(Envelope(registry).put_on)


@dataclass(frozen=True)
class Spelling:
    """How one request is spelled: its names in our words, ours in its words."""

    given: dict[str, str] = field(default_factory=dict)
    """What the request itself called a thing that has several names."""

    def theirs(self, name: str) -> str:
        return self.given.get(name) or to_theirs(name)

    def query(self, text: str) -> str:
        """Reword the query of a request. Values stay as they were sent, but for names of fields."""
        return self._each(text, self._to_ours, signed(to_ours))

    def query_back(self, text: str) -> str:
        return self._each(text, self.theirs, signed(to_theirs))

    def body(self, body: Any) -> Any:
        """Reword a body that was accepted: its own names, and those of the records in it."""
        if request.blueprint in APART or not isinstance(body, dict):
            return body
        ours = _renamed(body)
        if isinstance(ours.get("items"), list):
            ours["items"] = [_renamed(item) for item in ours["items"]]
        ours |= {"set": _renamed(ours["set"])} if "set" in ours else {}
        if request.blueprint == "sync" and isinstance(ours.get("field"), str):
            ours["field"] = to_ours(ours["field"])
        return ours

    def _to_ours(self, name: str) -> str:
        ours = QUERY_SYNONYMS.get(name) or to_ours(name)
        if name in QUERY_SYNONYMS:
            self.given[ours] = name
        return ours

    def _each(self, text: str, name_of: Callable[[str], str], value_of: Callable[[str], str]) -> str:
        def reworded(pair: str) -> str:
            name, equals, value = pair.partition("=")
            if unquote_plus(name) in NAMING:
                value = quote_plus(value_of(unquote_plus(value)))
            renamed = name_of(unquote_plus(name))
            return f"{name if renamed == unquote_plus(name) else quote_plus(renamed)}{equals}{value}"

        return "&".join(map(reworded, text.split("&")))


def signed(name_of: Callable[[str], str]) -> Callable[[str], str]:
    """Let it name what stands behind a minus too, as in `-last_updated`."""
    return lambda text: f"-{name_of(text[1:])}" if text.startswith("-") else name_of(text)


def _renamed(value: Any) -> Any:
    return {to_ours(name): inner for name, inner in value.items()} if isinstance(value, dict) else value


@dataclass(frozen=True)
class Rewording:
    """Stands before the application and hands it a request under /api as the one that it means."""

    application: Wsgi
    registry: Registry

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = str(environ.get("PATH_INFO", ""))
        if path.startswith(f"{PREFIX}/") and not f"{path}/".startswith(OWN_WORDS):
            spelling = Spelling()
            environ |= {
                "SCRIPT_NAME": f"{environ.get('SCRIPT_NAME', '')}{PREFIX}",
                "PATH_INFO": self._path(path.removeprefix(PREFIX), environ["REQUEST_METHOD"]),
                "QUERY_STRING": spelling.query(environ.get("QUERY_STRING", "")),
                SPELLING: spelling,
                bodies.REWORD: spelling.body,
            }
        return self.application(environ, start_response)

    def _path(self, path: str, method: str) -> str:
        path = path.removesuffix("/") or "/"
        if path.startswith("/sync/rules/"):
            return to_ours(path)
        listing = path.removesuffix("/search")
        return listing if method in {"GET", "HEAD"} and listing[1:] in self.registry else path


class Envelope:
    """Puts answers under /api into the front end's words and envelope."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        fields = [one for resource in registry.values() for one in resource.fields.values()]
        self.opaque = frozenset(one.name for one in fields if not one.kind.filterable)
        """Fields that hold more than one value, with names that are the caller's."""
        self.mentioned = frozenset(MENTIONED) | {one.name for one in fields if "_" in one.name}
        """Names that messages speak of."""

    def put_on(self, answer: Response) -> Response:
        spelling = request.environ.get(SPELLING)
        if spelling is None or request.blueprint in APART:
            return answer
        if "Link" in answer.headers:
            answer.headers["Link"] = _link(answer.headers["Link"], spelling)
        if answer.status_code == HTTPStatus.NO_CONTENT and request.view_args:
            answer.status_code = 200
            _write(answer, self._deleted(**request.view_args))
        elif answer.mimetype == PROBLEM:
            _write(answer, self.refusal(json.loads(answer.get_data()), spelling))
        elif answer.mimetype == JSON and not answer.is_streamed:
            _write(answer, self.success(json.loads(answer.get_data())))
        return answer

    def success(self, body: Any) -> dict[str, Any]:
        if not isinstance(body, dict) or "data" not in body:
            partly = {} if not isinstance(body, dict) or body.get("success", True) else {"error": _PARTLY}
            return {"success": not partly, "data": self.shown(body), **partly}
        more = {name: self.shown(inner) for name, inner in body.items() if name not in {"data", "pagination"}}
        pages = {"pagination": _pagination(body["pagination"])} if "pagination" in body else {}
        return {"success": True, "data": self.shown(body["data"]), **more, **pages}

    def refusal(self, problem: Mapping[str, Any], spelling: Spelling) -> dict[str, Any]:
        """Return a problem in the envelope; who sent the request finds its own spelling in it."""
        wrong = self._complaint(problem.get("detail", ""), problem.get("errors") or {}, spelling)
        errors = {"errors": wrong["errors"]} if "errors" in problem else {}
        about = {"code": problem["code"], "requestId": problem["request_id"]}
        return {"success": False, "error": wrong["detail"], **about, **errors}

    def shown(self, value: Any) -> Any:
        """Return a value with our names in it reworded, and the names that are the caller's left alone."""
        if isinstance(value, list):
            return [self.shown(one) for one in value]
        if not isinstance(value, dict):
            return value
        if "detail" in value and "errors" in value:
            value = value | self._complaint(value["detail"], value["errors"], Spelling())
            return {to_theirs(name): inner for name, inner in value.items()}
        kept = self.opaque | VALUES | ({"crm"} if not VALUES.isdisjoint(value) else set())
        return {to_theirs(name): self._member(name, inner, kept) for name, inner in value.items()}

    def _member(self, name: str, inner: Any, kept: frozenset[str]) -> Any:
        if name in kept:
            return inner
        if name == "field" and isinstance(inner, str):
            return to_theirs(inner)
        if name in BY_FIELD and isinstance(inner, dict):
            # A list is a pair of values, from and to; an object says more about them.
            return {to_theirs(one): self.shown(of) if isinstance(of, dict) else of for one, of in inner.items()}
        if name in BY_FIELD and isinstance(inner, list):
            return [to_theirs(one) if isinstance(one, str) else self.shown(one) for one in inner]
        return self.shown(inner)

    def _complaint(self, detail: str, errors: Mapping[str, list[str]], spelling: Spelling) -> dict[str, Any]:
        names = self.mentioned.union(*(_TOKEN.findall(name) for name in errors))

        def said(text: str) -> str:
            return _TOKEN.sub(lambda found: spelling.theirs(found[0]) if found[0] in names else found[0], text)

        def named(name: str) -> str:
            place = _PLACE.match(name)
            return spelling.theirs(name) if place is None else f"{place[0]}{to_theirs(name[place.end() :])}"

        found = {named(name): [said(message) for message in messages] for name, messages in errors.items()}
        return {"detail": said(detail), "errors": found}

    def _deleted(self, record_id: str = "", **where: Any) -> dict[str, Any]:
        resource = self.registry.get((request.blueprint or "").partition("_")[0])
        what = "Deleted" if resource is None else f"{resource.singular.capitalize()} deleted"
        identity = record_id or to_theirs(str(next(iter(where.values()))))
        return {"success": True, "message": f"{what} successfully", "id": identity}


_PARTLY = "Not all of them could be stored; see the results."


def _pagination(pages: Mapping[str, Any]) -> dict[str, Any]:
    return {PAGINATION.get(name) or to_theirs(name): value for name, value in pages.items()}


def _link(header: str, spelling: Spelling) -> str:
    def reworded(found: re.Match[str]) -> str:
        return f"<{request.script_root}{found[1]}?{spelling.query_back(found[2])}>"

    return re.sub(r"<([^?>]*)\?([^>]*)>", reworded, header)


def _write(answer: Response, body: Any) -> None:
    answer.set_data(json.dumps(body, ensure_ascii=False))
    answer.mimetype = JSON
