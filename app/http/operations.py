"""The sync itself over HTTP: run it, see how it is, what it did and where both sides disagreed."""

from typing import Any

from flask import Blueprint, Response, current_app, jsonify, request, url_for

from app.core.errors import Invalid, NotFound
from app.core.kinds import is_plain
from app.core.schema import summary
from app.http import paging
from app.http.bodies import read_json, read_raw
from app.http.wiring import engine
from app.services import background, operations
from app.services import runs as runs_service
from app.sync.runs import DIRECTIONS, Asked

PER_PAGE = 50
KINDS = ("field", "duplicate", "deleted", "invalid")


def blueprint() -> Blueprint:
    routes = Blueprint("sync", __name__)
    routes.add_url_rule("/sync", "run", run, methods=["POST"])
    routes.add_url_rule("/sync/status", "status", status, methods=["GET"])
    routes.add_url_rule("/sync/runs", "runs", runs, methods=["GET"])
    routes.add_url_rule("/sync/runs/<run_id>", "run_by_id", run_by_id, methods=["GET"])
    routes.add_url_rule("/sync/conflicts", "conflicts", conflicts, methods=["GET"])
    return routes


def run() -> tuple[Response, int] | Response:
    """Sync now, and answer with the run; or begin, and answer where to look, when the caller prefers that."""
    direction, resources = _asked()
    asked = Asked(direction, tuple(resources), "api")
    if "respond-async" not in request.headers.get("Prefer", "").lower():
        return jsonify(runs_service.run(engine(), asked))
    run_id = background.start(current_app, engine(), asked)
    answer = jsonify(runs_service.get(engine(), run_id))
    answer.headers["Location"] = url_for(".run_by_id", run_id=run_id)
    answer.headers["Preference-Applied"] = "respond-async"
    return answer, 202


def status() -> Response:
    return jsonify(operations.status(engine()))


def runs() -> Response:
    page, per_page = _page()
    found, total = runs_service.listing(engine(), per_page, (page - 1) * per_page)
    return paging.plain(found, total, page, per_page)


def run_by_id(run_id: str) -> Response:
    if not is_plain(run_id):
        raise NotFound("There is no such run.")
    return jsonify(runs_service.get(engine(), run_id))


def conflicts() -> Response:
    query = paging.Query(("page", "per_page", "status", "resource", "kind", "field", "record_id"))
    filters: dict[str, Any] = {
        "status": query.choice("status", ("open", "resolved")),
        "resource": query.choice("resource", list(engine().registry)),
        "kind": query.choice("kind", KINDS),
        "field": query.text("field"),
        "record_id": query.text("record_id"),
    }
    page, per_page = query.number("page", 1, paging.LAST_PAGE), query.number("per_page", PER_PAGE, paging.MOST)
    query.finish()
    given = {name: value for name, value in filters.items() if value is not None}
    found, total = operations.list_conflicts(given, per_page, (page - 1) * per_page)
    return paging.plain(found, total, page, per_page)


def _page() -> tuple[int, int]:
    query = paging.Query(("page", "per_page"))
    page, per_page = query.number("page", 1, paging.LAST_PAGE), query.number("per_page", PER_PAGE, paging.MOST)
    query.finish()
    return page, per_page


def _asked() -> tuple[Any, list[str]]:
    body = read_json() if read_raw() else {}
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object.")
    errors = {name: ["Unknown field."] for name in body if name not in {"direction", "resources"}}
    direction, resources = body.get("direction", "both"), body.get("resources", list(engine().registry))
    if direction == "bidirectional":
        direction = "both"
    if not isinstance(direction, str) or direction not in DIRECTIONS:
        errors["direction"] = [f"Must be one of: {', '.join(DIRECTIONS)}."]
    known = engine().registry
    if not isinstance(resources, list) or not all(isinstance(name, str) and name in known for name in resources):
        errors["resources"] = [f"Must be a list of: {', '.join(known)}."]
    if errors:
        raise Invalid(summary(errors), errors=errors)
    return direction, resources
