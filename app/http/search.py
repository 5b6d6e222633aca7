"""Search: the records in which all of some words stand, of one resource or of all."""

from collections.abc import Collection
from functools import partial
from typing import Any

from flask import Blueprint, Response

from app.core import words
from app.core.resource import Registry
from app.core.words import Sought
from app.http import paging, present
from app.http.wiring import engine
from app.services import searching
from app.services.searching import Hit


def blueprint(registry: Registry) -> Blueprint:
    """Return the routes of the search."""
    routes = Blueprint("search", __name__)
    routes.add_url_rule("/search", "everywhere", _everywhere, methods=["GET"])
    for name in registry:
        routes.add_url_rule(f"/{name}/search", f"in_{name}", partial(_within, name), methods=["GET"])
    return routes


def _everywhere() -> Response:
    query = paging.Query(("q", "resources", "page", "per_page"), repeatable=("resources",))
    return _answer(query, query.choices("resources", list(engine().registry)))


def _within(name: str) -> Response:
    return _answer(paging.Query(("q", "page", "per_page")), [name])


def _answer(query: paging.Query, names: Collection[str]) -> Response:
    sought = _sought(query)
    page = query.number("page", 1, paging.LAST_PAGE)
    per_page = query.number("per_page", paging.PER_PAGE, paging.MOST)
    query.finish()
    assert sought is not None
    hits, total = searching.find(engine().registry, names, sought, page, per_page)
    return paging.plain([_shown(hit) for hit in hits], total, page, per_page)


def _sought(query: paging.Query) -> Sought | None:
    text = query.text("q")
    found = None if text is None else words.sought(text)
    if found is None:
        query.errors.setdefault("q", ["Must be words to look for: at least one letter or digit."])
    return found


def _shown(hit: Hit) -> dict[str, Any]:
    record = hit.record
    return {
        "resource": record.resource,
        "id": record.id,
        "record": present.record(record),
        "highlights": hit.highlights,
    }
