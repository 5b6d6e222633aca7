"""The operations on conflicts and rules, for the OpenAPI document."""

from collections.abc import Iterator
from typing import Any

from apispec import APISpec

from app.core.field import POLICIES
from app.core.resource import Registry, Resource
from app.http import conflicts
from app.http import openapi_examples as examples
from app.http.openapi_links import link, to_conflict
from app.http.openapi_parts import (
    DECIDED,
    Doc,
    answer,
    body,
    exact,
    flag,
    listed,
    operation,
    order,
    pages,
    parameter,
    query,
    refusals,
    schema,
    text,
)  # fmt: skip

TAG = "conflicts"


def add(spec: APISpec, registry: Registry) -> None:
    """Add the operations, and what their bodies look like."""
    resource = next(iter(registry.values()))
    for name, found in _orders(registry).items():
        spec.components.schema(name, found)
    request_id: list[Any] = ["RequestId"]
    conflict = [parameter("path", "conflict_id", "The conflict's id.", text(format="uuid"), required=True), *request_id]
    one = "/sync/conflicts/{conflict_id}"
    spec.path("/sync/conflicts", operations={"get": _list(registry, resource)}, parameters=request_id)
    spec.path(one, operations={"get": _read(resource)}, parameters=conflict)
    spec.path(f"{one}/resolve", operations={"post": _resolve(resource)}, parameters=conflict)
    spec.path("/sync/conflicts/resolve", operations={"post": _resolve_many(resource)}, parameters=request_id)
    spec.path("/sync/rules", operations={"get": _rules(resource)}, parameters=request_id)
    rule = {"put": _set_rule(registry, resource), "delete": _drop_rule()}
    spec.path("/sync/rules/{scope}", operations=rule, parameters=request_id)


def _orders(registry: Registry) -> dict[str, Doc]:
    ids = {"type": "array", "items": exact(), "minItems": 1, "maxItems": conflicts.AT_ONCE}
    return {
        "Decision": order(
            "use",
            use=text(enum=list(conflicts.USE_OF), description="Which side is right; or the `value` instead of both."),
            value={"description": "With `use: value`: what both sides shall hold, as the field takes it."},
            make_rule=flag("Let this side win on this field from now on; its other open conflicts are resolved too."),
            recreate=flag("With `local`, of a deletion: create the record in the CRM again."),
        )
        | {"oneOf": list(_decisions())},
        "Decisions": order(
            "use",
            use=text(enum=list(conflicts.SIDES), description="Which side is right."),
            ids={**ids, "description": "These; with filters, those of them that fit."},
            resource=text(enum=list(registry), description="All of one resource."),
            kind=text(enum=list(conflicts.KINDS), description="All of one kind."),
            field=exact(description="All about one field."),
            record_id=exact(description="All of one record."),
            run_id=exact(description="All that one run found."),
        )
        | {"anyOf": [{"required": [name]} for name in ("ids", *conflicts.FILTERS)]},
        "RuleOrder": order("policy", policy=text(enum=list(POLICIES), description="Who wins a conflict on it.")),
    }


def _decisions() -> Iterator[Doc]:
    """Return what goes together in a decision."""
    never: Doc = {"const": False}
    for use in conflicts.SIDES:
        only = {"recreate": never} if use == "crm" else {}
        yield {"properties": {"use": {"const": use}, **only}, "not": {"required": ["value"]}}
    yield {"properties": {"use": {"const": "value"}, "make_rule": never, "recreate": never}, "required": ["value"]}


def _list(registry: Registry, resource: Resource) -> Doc:
    found = answer("A page of conflicts.", schema("Conflicts"), listed(conflicts.PER_PAGE, examples.conflict(resource)))
    found["links"] = to_conflict("$response.body#/data/0/id")
    return operation(
        TAG, "listConflicts", "List conflicts",
        "Newest first: what both sides changed, with both values, who won and why.",
        parameters=[
            *pages(conflicts.PER_PAGE),
            query("status", "`open` ones wait for a person.", text(enum=["open", "resolved"])),
            query("resource", "Only those of one resource.", text(enum=list(registry))),
            query("kind", "Only those of one kind.", text(enum=list(conflicts.KINDS))),
            query("field", "Only those about one field.", exact()),
            query("record_id", "Only those of one record.", exact()),
            query("run_id", "Only those that one run found.", exact()),
        ],
        responses={"200": found, **refusals(400)},
    )  # fmt: skip


def _read(resource: Resource) -> Doc:
    found = answer("The conflict.", schema("Conflict"), examples.conflict(resource))
    return operation(
        TAG, "readConflict", "Read a conflict", "With both values; kept for ever, resolved ones too.",
        responses={"200": found, **refusals(404)},
    )  # fmt: skip


def _resolve(resource: Resource) -> Doc:
    given = {
        "crm": ("The CRM is right", {"use": "crm"}),
        "rule": ("We are right, from now on", {"use": "local", "make_rule": True}),
        "value": ("Neither is", {"use": "value", "value": examples.other(examples.edited(resource), 3)}),
        "recreate": ("A deletion was wrong", {"use": "local", "recreate": True}),
    }
    after = examples.conflict(resource) | {"resolved_by": "api"}
    return operation(
        TAG, "resolveConflict", "Resolve a conflict",
        "A field: both sides get the value. A `duplicate`: with `crm` the link moves to the CRM's record that claims "
        "ours, with `local` it stays. A deletion: with `crm` it is done, with `local` the record stays.",
        requestBody=body(schema("Decision"), given),
        responses={
            "200": answer("The conflict, resolved.", schema("Conflict"), after),
            **refusals(400, 404, 413, 415),
            **DECIDED,
        },
    )  # fmt: skip


def _resolve_many(resource: Resource) -> Doc:
    conflict = examples.conflict(resource)
    given = {
        "field": ("All about one field", {"use": "crm", "resource": resource.name, "field": conflict["field"]}),
        "ids": ("These", {"use": "local", "ids": [conflict["id"]]}),
    }
    left = {"id": conflict["id"], "code": "already_decided", "detail": "The conflict was resolved meanwhile."}
    done = answer("What became of them.", schema("Resolved"), {"resolved": 12, "left": [left]})
    return operation(
        TAG, "resolveConflicts", "Resolve many conflicts",
        "Every open conflict that fits all that is said. One that cannot be resolved so is listed, and stays open.",
        requestBody=body(schema("Decisions"), given),
        responses={"200": done, **refusals(400, 413, 415)},
    )  # fmt: skip


def _rules(resource: Resource) -> Doc:
    return operation(
        TAG, "listRules", "List rules", "Policies that people gave to fields; they come before what is configured.",
        responses={"200": answer("All of them.", schema("Rules"), {"data": [examples.rule(resource)]}), **refusals()},
    )  # fmt: skip


def _scope(**more: Any) -> list[Doc]:
    return [parameter("path", "scope", "The field: `resource.field`.", text(**more), required=True)]


def _set_rule(registry: Registry, resource: Resource) -> Doc:
    fields = [f"{name}.{field}" for name, one in registry.items() for field in one.pushed_fields]
    given = {"manual": ("A person decides", {"policy": "manual"}), "ours": ("We win", {"policy": "local_wins"})}
    return operation(
        TAG, "setRule", "Make a rule", "Holds for conflicts that are found from now on.",
        parameters=_scope(enum=fields),
        requestBody=body(schema("RuleOrder"), given),
        responses={
            "200": answer("The rule.", schema("Rule"), examples.rule(resource))
            | {"links": link("dropRule", scope="$request.path.scope")},
            **refusals(400, 404, 413, 415),
        },
    )  # fmt: skip


def _drop_rule() -> Doc:
    return operation(
        TAG, "dropRule", "Drop a rule", "From now on the field has the policy that is declared or configured for it.",
        parameters=_scope(),
        responses={"204": answer("It is dropped."), **refusals(404)},
    )  # fmt: skip
