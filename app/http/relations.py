"""What follows from the references of a declared resource: the records that belong to one, and steps on one of them."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response

from app.core.errors import Invalid
from app.core.resource import Resource
from app.core.schema import load
from app.http import calendar, paging, present
from app.http.bodies import read_json
from app.http.rest import Views, precondition
from app.services import listings, records


def blueprint(resource: Resource) -> Blueprint:
    """Return the routes of one resource."""
    routes = Blueprint(f"{resource.name}_relations", __name__)
    one = f"/{resource.name}/<id:record_id>"
    for child, field in belonging(resource).items():
        views = Belonging(resource, child, field)
        routes.add_url_rule(f"{one}/{child.name}", f"list-{child.name}", views.index, methods=["GET"])
        routes.add_url_rule(f"{one}/{child.name}", f"create-{child.name}", views.create, methods=["POST"])
    for name, fields in resource.actions.items():
        action = Action(resource, fields)
        routes.add_url_rule(f"{one}/{name}", f"action-{name}", action.take, methods=["PATCH"])
    return routes


def belonging(resource: Resource) -> dict[Resource, str]:
    """Return the resources whose records belong to one of this resource, with the field that says so: the first one."""
    found: dict[Resource, str] = {}
    for child, field in resource.children:
        found.setdefault(child, field)
    return found


@dataclass(frozen=True)
class Belonging:
    """The records of `child` whose `field` names a record of `parent`."""

    parent: Resource
    child: Resource
    field: str

    def index(self, record_id: str) -> Response:
        records.get(self.parent, record_id)
        named = self._named(record_id)
        asked = paging.wanted(self.child, fixed=named)
        if asked.window is not None:
            return calendar.answer(self.child, asked)
        found = listings.listing(self.child, asked)
        return paging.answer(asked, found, [present.record(record) for record in found.records])

    def create(self, record_id: str) -> Response:
        records.get(self.parent, record_id)
        body, named = read_json(), self._named(record_id)
        if isinstance(body, dict):
            given = {name for name in named if body.get(name, named[name]) != named[name]}
            if given:
                raise Invalid(
                    "The address says which record it belongs to.",
                    errors={name: ["Is said by the address; leave it out."] for name in sorted(given)},
                )
            body = {**body, **named}
        return Views(self.child).create_from(body)

    def _named(self, record_id: str) -> dict[str, Any]:
        """Return the fields that make a record belong to this one."""
        kind = self.child.references[self.field]
        words = [word for word, target in kind.targets.items() if target == self.parent.name]
        return {self.field: record_id} | ({} if kind.beside is None else {kind.beside: words[0]})


@dataclass(frozen=True)
class Action(Views):
    """A step that a record takes, for those who need no more: it sets these fields and no others."""

    fields: tuple[str, ...]

    def take(self, record_id: str) -> Response:
        body, expected = precondition(read_json())
        given = load(self.resource.partial, body)
        errors = {name: ["Is not set here."] for name in given if name not in self.fields}
        errors |= {name: ["Missing data for required field."] for name in self.fields if name not in given}
        if errors:
            raise Invalid(f"Give {' and '.join(self.fields)}, and nothing else.", errors=errors)
        return self._change(record_id, given, expected)
