"""The API described: OpenAPI, the explorer and the Postman collection."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, current_app, request

from app.core.resource import Registry
from app.http import front_end, openapi, openapi_front_end, postman
from app.http.wiring import engine

Builder = Callable[[Registry], dict[str, Any]]
STATIC = Path(__file__).resolve().parent / "static"
BUILT = "crm-sync.documents"
POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline';"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Everything comes from here; only styles may stand in the page, since the explorer writes them there."""


def blueprint() -> Blueprint:
    routes = Blueprint("docs", __name__, static_folder=str(STATIC / "swagger-ui"), static_url_path="/docs/static")
    routes.add_url_rule("/openapi.json", "openapi", _openapi, methods=["GET"])
    routes.add_url_rule("/docs", "explorer", _explorer, methods=["GET"])
    routes.add_url_rule("/postman.json", "postman", _postman, methods=["GET"])
    return routes


def _openapi() -> Response:
    if front_end.SPELLING in request.environ:
        return _json("openapi_front_end", openapi_front_end.build)
    return _json("openapi", openapi.build)


def _postman() -> Response:
    return _json("postman", postman.build)


def _explorer() -> Response:
    answer = Response((STATIC / "explorer.html").read_text("utf-8"), mimetype="text/html")
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


def _json(name: str, build: Builder) -> Response:
    """Answer with a document, built once for each application."""
    built: dict[str, str] = current_app.extensions.setdefault(BUILT, {})
    if name not in built:
        built[name] = written(build(engine().registry))
    return Response(built[name], mimetype="application/json")


def written(document: dict[str, Any]) -> str:
    """Return a document as it is served and kept."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
