"""The requests of the Postman collection about many records at once."""

import json

from app.http import openapi_examples as examples
from app.http.postman_parts import Doc, Step, equals, folder, named
from app.http.postman_records import NOBODY, Flow

Steps = list[tuple[str, Step]]
NOTHING: Doc = {"ids": [], "set": {}}


def many(flow: Flow) -> Doc:
    """Make many records with one request, and edit many."""
    other = {"record_id": flow.variable("OtherId")}
    end: Steps = [("delete{0}", Step(f"{flow.many}: delete the other one", 204, ids=other))]
    items = [flow.request(verb, step) for verb, step in (*_made(flow), *_edited(flow), *end)]
    return folder(f"{flow.many}: many at once", "Up to 1,000; the worker pushes them.", items)


def _made(flow: Flow) -> Steps:
    both = [{name: _more(value) for name, value in flow.tagged.items()}, {"nonsense": 1}]
    each = {"each is answered": _statuses(201, 400), "one was stored": equals("body.created", 1)}
    keeps = {f"{flow.one}OtherId": "body.results[0].record.id"}
    refused = {"nothing was stored": equals("body.code", "invalid"), **named("items[1].nonsense")}
    return [
        ("create{1}", Step(f"{flow.many}: many, all or none", 400, {"items": both, "atomic": True}, checks=refused)),
        ("create{1}", Step(f"{flow.many}: many, each by itself", 200, {"items": both}, checks=each, keeps=keeps)),
    ]


def _edited(flow: Flow) -> Steps:
    field = examples.edited(flow.resource)
    new = examples.other(field, 8)
    change = {"ids": [flow.variable("OtherId"), NOBODY], "set": {field.name: new}}
    each = {
        "each is answered": _statuses(200, 404),
        "one was edited": equals(f"body.results[0].record[{json.dumps(field.name)}]", new),
    }
    missing = {"nothing was edited": equals("body.code", "not_found")}
    return [
        ("edit{1}", Step(f"{flow.many}: edit many, each by itself", 200, change, checks=each)),
        ("edit{1}", Step(f"{flow.many}: edit many, all or none", 404, {**change, "atomic": True}, checks=missing)),
        ("edit{1}", Step(f"{flow.many}, refused: edit none, set nothing", 400, NOTHING, checks=named("ids", "set"))),
    ]


def _statuses(*expected: int) -> str:
    return f"pm.expect(body.results.map((one) => one.status)).to.eql({json.dumps(expected)});"


def _more(value: object) -> object:
    return value.replace("{{run}}", "{{run}}b") if isinstance(value, str) else value
