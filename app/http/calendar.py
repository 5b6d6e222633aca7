"""The calendar of a resource that has one: what happens in a window, and .ics files for calendar programs."""

from dataclasses import dataclass

from flask import Blueprint, Response, request

from app.core.kinds import format_time
from app.core.resource import Resource
from app.http import paging, present
from app.services import calendar
from app.services.listings import Found, Wanted

MEDIA = "text/calendar"


def blueprint(resource: Resource) -> Blueprint:
    """Return the routes of one resource; none, if it is no calendar."""
    views, routes = Files(resource), Blueprint(f"{resource.name}_calendar", __name__)
    if resource.occurs is not None:
        routes.add_url_rule(f"/{resource.name}.ics", "all", views.every, methods=["GET"])
        routes.add_url_rule(f"/{resource.name}/<id:record_id>.ics", "one", views.one, methods=["GET"])
    return routes


def answer(resource: Resource, asked: Wanted) -> Response:
    """Return a page of what happens in the window that was asked for: each time the record, and when it is."""
    occurs = resource.occurs
    assert occurs is not None
    found = calendar.happening(resource, asked)
    shown = [
        {
            **present.record(record),
            "occurrence": {occurs.starts: format_time(one.starts), occurs.ends: format_time(one.ends)},
        }
        for record, one in found.items
    ]
    return paging.answer(asked, Found([], found.total, None), shown)


@dataclass(frozen=True)
class Files:
    resource: Resource

    def every(self) -> Response:
        return _file(calendar.file(self.resource, paging.chosen(self.resource)))

    def one(self, record_id: str) -> Response:
        paging.Query(()).finish()
        return _file(calendar.file_of_one(self.resource, record_id))


def _file(content: bytes) -> Response:
    """Answer with a file; calendar programs ask again and again, so one that they have is a 304."""
    response = Response(content, mimetype=MEDIA)
    response.add_etag()
    response.make_conditional(request)
    return response
