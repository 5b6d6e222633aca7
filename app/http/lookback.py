"""What a record has been through, for any declared resource: why it is as it is, and the way back."""

from flask import Blueprint, Response, jsonify

from app.core.errors import NotFound
from app.core.resource import Resource
from app.http import present
from app.http.rest import Views
from app.http.wiring import engine
from app.services import explaining, records, rollbacks

LAST_CHANGE = 2**40
"""Ids of changes count from 1; what is larger than this is none, and need not be one for the database either."""


def blueprint(resource: Resource) -> Blueprint:
    """Return the routes of one resource."""
    views, routes = Lookback(resource), Blueprint(f"{resource.name}_lookback", __name__)
    one = f"/{resource.name}/<id:record_id>"
    routes.add_url_rule(f"{one}/explain", "explain", views.explain, methods=["GET"])
    routes.add_url_rule(f"{one}/restore", "restore", views.restore, methods=["POST"])
    routes.add_url_rule(f"{one}/changes/<int:change_id>/undo", "undo", views.undo, methods=["POST"])
    return routes


class Lookback(Views):
    def explain(self, record_id: str) -> Response:
        return jsonify(explaining.explain(engine(), self.resource, record_id))

    def restore(self, record_id: str) -> Response:
        record = records.restore(engine(), self.resource, record_id)
        return present.answer(present.record(self._pushed(record)))

    def undo(self, record_id: str, change_id: int) -> Response | tuple[str, int]:
        if change_id > LAST_CHANGE:
            raise NotFound(f"There is no such change of a {self.resource.singular}.")
        record = rollbacks.undo(engine(), self.resource, record_id, change_id)
        if record.deleted_at is None:
            return present.answer(present.record(self._pushed(record)))
        self._pushed(record, then_read=False)
        return "", 204
