"""Is it alive, is it ready, and how is it going: for load balancers and Prometheus."""

from typing import Any

from flask import Blueprint, Response, current_app, jsonify
from sqlalchemy.exc import DBAPIError

from app.http.wiring import engine
from app.services import operations, status

OLD_QUEUE = 3600.0
"""Seconds after which something owed is too old for a service that is well, while the CRM answers."""
METRICS = "crm-sync.metrics"


def blueprint() -> Blueprint:
    routes = Blueprint("health", __name__)
    routes.add_url_rule("/healthz", "live", live, methods=["GET"])
    routes.add_url_rule("/readyz", "ready", ready, methods=["GET"])
    routes.add_url_rule("/metrics", "metrics", metrics, methods=["GET"])
    return routes


def live() -> Response:
    return jsonify({"status": "ok"})


def ready() -> tuple[Response, int]:
    """Answer 200 when requests can be served. A CRM that is down is shown, but does not make us unready: we store."""
    checks: dict[str, Any] = {}
    try:
        checks["database"] = "ok"
        checks["migrations"] = "ok" if operations.is_migrated(current_app.config["SCHEMA_VERSION"]) else "behind"
        found = status.status(engine())
        oldest = max(one["oldest_owed_seconds"] for one in found["resources"].values())
        checks["queue"] = "ok" if oldest < OLD_QUEUE else f"oldest owed for {oldest:.0f} s"
        checks["crm"] = {"closed": "ok"}.get(found["crm"]["circuit"], f"circuit {found['crm']['circuit']}")
    except DBAPIError:
        checks["database"] = "unavailable"
    serving = checks["database"] == "ok" and checks.get("migrations") == "ok"
    body = {"status": "ready" if serving else "not ready", "checks": checks}
    return jsonify(body), 200 if serving else 503


def metrics() -> Response:
    exposition = current_app.extensions[METRICS].exposition()
    return Response(exposition, content_type="text/plain; version=0.0.4; charset=utf-8")
