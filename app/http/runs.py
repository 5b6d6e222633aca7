"""What runs did, over HTTP: look at them, take one back, approve or refuse what one left to a person."""

from flask import Blueprint, Response, jsonify

from app.http import paging
from app.http.forms import Form
from app.http.paging import Query
from app.http.wiring import BY, engine
from app.services import resolutions, rollbacks
from app.services import runs as runs_service

PER_PAGE = 50


def add(routes: Blueprint) -> None:
    """Add the routes to those of the sync."""
    one = "/sync/runs/<id:run_id>"
    routes.add_url_rule("/sync/runs", "runs", index, methods=["GET"])
    routes.add_url_rule(one, "run_by_id", read, methods=["GET"])
    routes.add_url_rule(f"{one}/rollback", "rollback", roll_back, methods=["POST"])
    routes.add_url_rule(f"{one}/approve", "approve", approve, methods=["POST"])
    routes.add_url_rule(f"{one}/refuse", "refuse", refuse, methods=["POST"])


def index() -> Response:
    query = Query(("page", "per_page"))
    page, per_page = query.number("page", 1, paging.LAST_PAGE), query.number("per_page", PER_PAGE, paging.MOST)
    query.finish()
    found, total = runs_service.listing(engine(), per_page, (page - 1) * per_page)
    return paging.plain(found, total, page, per_page)


def read(run_id: str) -> Response:
    return jsonify(runs_service.get(engine(), run_id))


def roll_back(run_id: str) -> Response:
    form = Form("dry_run", optional=True)
    dry_run = form.flag("dry_run")
    form.finish()
    return jsonify(rollbacks.roll_back(engine(), run_id, BY, dry_run=dry_run))


def approve(run_id: str) -> Response:
    Form(optional=True).finish()
    return jsonify(resolutions.approve(engine(), run_id, BY, yes=True))


def refuse(run_id: str) -> Response:
    form = Form("recreate", optional=True)
    recreate = form.flag("recreate")
    form.finish()
    return jsonify(resolutions.approve(engine(), run_id, BY, yes=False, recreate=recreate))
