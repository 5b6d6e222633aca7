"""The requests of the Postman collection about what belongs to a record, and about the steps that it takes."""

from typing import Any

from app.core.resource import Resource
from app.http import openapi_examples as examples
from app.http.openapi_parts import a, names
from app.http.openapi_relations import action_id, belonging
from app.http.postman_parts import Doc, Step, equals, folder, has, named
from app.http.postman_records import NOBODY, Flow, made

Steps = list[tuple[str, Step]]
NONE = "not_found"


def kept(flow: Flow) -> list[str]:
    """Return the variables that hold the ids of what is made here."""
    return [_kept(flow, child) for child in belonging(flow.resource)]


def relations(flow: Flow) -> Doc:
    """Make records at the address of the one that they belong to, and list them there."""
    steps = [step for child, fixed in belonging(flow.resource).items() for step in _of_child(flow, child, fixed)]
    items = [flow.request(verb, step) for verb, step in steps]
    description = f"Made and listed at the address of the {flow.word}."
    return folder(f"{flow.many}: what belongs to one", description, items)


def steps(flow: Flow) -> Doc:
    """Let a record take the steps that have an address of their own."""
    items = []
    for name, fields in flow.resource.actions.items():
        given = {field: _step_value(flow, field) for field in fields}
        new = {f"{field} is the new one": has(field, value) for field, value in given.items()}
        verb, title = action_id(flow.resource, name), f"{flow.many}: {name}"
        items += [
            flow.request(verb, Step(title, 200, given, flow.identity, checks=flow.same | new)),
            flow.request(verb, Step(f"{title}, refused: nothing said", 400, {}, flow.identity, checks=named(*fields))),
        ]
    return folder(f"{flow.many}: steps", f"What a {flow.word} goes through, a request for each.", items)


def _of_child(flow: Flow, child: Resource, fixed: tuple[str, ...]) -> Steps:
    single, many = names(child)
    of_child = Flow(flow.api, flow.registry, child)
    ours = {name: value for name, value in of_child.tagged.items() if name not in fixed}
    place, title = _kept(flow, child), f"{flow.many}: {child.name}"
    mine = f'pm.collectionVariables.get("{place}")'
    belongs = {f"it belongs to the {flow.word}": equals(f"body.{fixed[0]}", made(flow.resource))}
    listed = {"it is listed": f"pm.expect(body.data.map((one) => one.id)).to.include({mine});"}
    gone: dict[str, Any] = {"ids": {"record_id": NOBODY}, "checks": {"nobody is there": equals("body.code", NONE)}}
    create, index = f"create{single}Of{{0}}", f"list{many}Of{{0}}"
    newest = {"sort": "-created_at"}
    return [
        (create, Step(f"{title}: create one", 201, ours, flow.identity, checks=belongs, keeps={place: "body.id"})),
        (index, Step(f"{title}: list them", 200, ids=flow.identity, query=newest, checks=listed)),
        (index, Step(f"{title}, refused: of {a(flow.resource)} that is not there", 404, **gone)),
        (f"delete{single}", Step(f"{title}: delete it", 204, ids={"record_id": f"{{{{{place}}}}}"})),
    ]


def _kept(flow: Flow, child: Resource) -> str:
    return f"{flow.one}{names(child)[0]}Id"


def _step_value(flow: Flow, name: str) -> Any:
    field = flow.resource.fields[name]
    if field.reference is None:
        return examples.other(field)
    target = field.reference.target(examples.whole(flow.resource))
    return None if target is None else made(flow.registry[target])
