"""The sync itself over HTTP: run it, see how it is, what it would do, and whether both sides are in step."""

from flask import Blueprint, Response, current_app, jsonify, request, url_for

from app.core.errors import Invalid
from app.http import conflicts, runs
from app.http.forms import Form
from app.http.paging import Query
from app.http.wiring import BY, engine
from app.services import background, plans, policies, verifying
from app.services import runs as runs_service
from app.services import status as status_service
from app.services.orders import DIRECTION_OF, LARGEST_BATCH
from app.sync.runs import Asked

PLANNED, MOST_PLANNED = 100, 1000


def blueprint() -> Blueprint:
    routes = Blueprint("sync", __name__)
    routes.add_url_rule("/sync", "run", run, methods=["POST"])
    routes.add_url_rule("/sync/status", "status", status, methods=["GET"])
    routes.add_url_rule("/sync/pause", "pause", pause, methods=["POST"])
    routes.add_url_rule("/sync/resume", "resume", resume, methods=["POST"])
    routes.add_url_rule("/sync/plan", "plan", plan, methods=["GET"])
    routes.add_url_rule("/sync/verify", "verify", verify, methods=["POST"])
    runs.add(routes)
    conflicts.add(routes)
    return routes


def run() -> tuple[Response, int] | Response:
    """Sync now, and answer with the run; or begin, and answer where to look, when the caller prefers that."""
    asked = _asked()
    if "respond-async" not in request.headers.get("Prefer", "").lower():
        return jsonify(runs_service.run(engine(), asked))
    run_id = background.start(current_app, engine(), asked)
    answer = jsonify(runs_service.get(engine(), run_id))
    answer.headers["Location"] = url_for(".run_by_id", run_id=run_id)
    answer.headers["Preference-Applied"] = "respond-async"
    return answer, 202


def status() -> Response:
    return jsonify(status_service.status(engine(), ask=True))


def pause() -> Response:
    return jsonify(runs_service.pause(engine(), BY))


def resume() -> Response:
    return jsonify(runs_service.resume(BY))


def plan() -> Response:
    query = Query(("direction", "resource", "limit"), repeatable=("resource",))
    direction = query.choice("direction", DIRECTION_OF, "both")
    resources = query.choices("resource", list(engine().registry))
    limit = query.number("limit", PLANNED, MOST_PLANNED)
    query.finish()
    return jsonify(plans.plan(engine(), DIRECTION_OF[direction or "both"], resources, limit))


def verify() -> Response:
    form = Form("resources", "repair", optional=True)
    resources, repair = form.choices("resources", list(engine().registry)), form.flag("repair")
    form.finish()
    return jsonify(verifying.verify(engine(), resources, repair=repair, by=BY))


def _asked() -> Asked:
    form = Form("direction", "resources", "batch_size", "policy", optional=True)
    direction = form.choice("direction", DIRECTION_OF, "both")
    resources = form.choices("resources", list(engine().registry))
    batch_size, policy = form.number("batch_size", LARGEST_BATCH), _policy(form)
    form.finish()
    return Asked(DIRECTION_OF[direction or "both"], tuple(resources), BY, batch_size, policy)


def _policy(form: Form) -> str | None:
    text = form.text("policy", policies.LONGEST)
    if text is None:
        return None
    try:
        return policies.checked(engine().registry, text)
    except Invalid as error:
        form.errors["policy"] = [error.detail]
        return None
