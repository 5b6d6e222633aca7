"""Where both sides disagreed, over HTTP: look, decide one or many, and what became a rule."""

from typing import Any, get_args

from flask import Blueprint, Response, jsonify

from app.core.errors import Invalid, NotFound
from app.core.field import POLICIES
from app.core.schema import summary
from app.http import paging
from app.http.forms import Form, path_id
from app.http.paging import Query
from app.http.wiring import BY, engine
from app.services import operations, resolutions
from app.services.resolutions import RULE_OF, Decision, Use
from app.store.conflicts import Kind
from app.sync.resolve import Choice

PER_PAGE = 50
KINDS: tuple[str, ...] = get_args(Kind)
FILTERS = ("resource", "kind", "field", "record_id", "run_id")
AT_ONCE = 1000
USE_OF: dict[str, Use] = {use: use for use in get_args(Use)}
SIDES = tuple(RULE_OF)
"""What many conflicts can be resolved with at once: a side, not a value."""


def add(routes: Blueprint) -> None:
    """Add the routes to those of the sync."""
    one, rule = "/sync/conflicts/<id:conflict_id>", "/sync/rules/<scope>"
    routes.add_url_rule("/sync/conflicts", "conflicts", index, methods=["GET"])
    routes.add_url_rule("/sync/conflicts/resolve", "resolve_many", resolve_many, methods=["POST"])
    routes.add_url_rule(one, "conflict_by_id", read, methods=["GET"])
    routes.add_url_rule(f"{one}/resolve", "resolve", resolve, methods=["POST"])
    routes.add_url_rule("/sync/rules", "rules", rules, methods=["GET"])
    routes.add_url_rule(rule, "set_rule", set_rule, methods=["PUT"])
    routes.add_url_rule(rule, "drop_rule", drop_rule, methods=["DELETE"])


def index() -> Response:
    query = Query(("page", "per_page", "status", *FILTERS))
    status = query.choice("status", ("open", "resolved"))
    filters = _filters(query) | ({} if status is None else {"status": status})
    page, per_page = query.number("page", 1, paging.LAST_PAGE), query.number("per_page", PER_PAGE, paging.MOST)
    query.finish()
    found, total = operations.list_conflicts(filters, per_page, (page - 1) * per_page)
    return paging.plain(found, total, page, per_page)


def read(conflict_id: str) -> Response:
    found, _ = operations.list_conflicts({"id": conflict_id}, 1, 0)
    if not found:
        raise NotFound("There is no such conflict.")
    return jsonify(found[0])


def resolve(conflict_id: str) -> Response:
    decision = _decision()
    try:
        return jsonify(resolutions.resolve(engine(), conflict_id, decision))
    except Invalid as error:
        if error.errors is None:
            raise
        wrong = {"value": [message for messages in error.errors.values() for message in messages]}
        raise Invalid(summary(wrong), errors=wrong) from error


def resolve_many() -> Response:
    form = Form("use", "ids", *FILTERS)
    form.require("use")
    use, filters, ids = form.choice("use", SIDES), _filters(form), form.texts("ids", AT_ONCE)
    if not any(name in form for name in (*FILTERS, "ids")):
        form.errors["ids"] = [f"Say which: ids, or at least one of {', '.join(FILTERS)}."]
    form.finish()
    chosen = filters if ids is None else {**filters, "id": ids}
    assert use is not None
    return jsonify(resolutions.resolve_many(engine(), chosen, Decision(Choice(USE_OF[use]), by=BY)))


def rules() -> Response:
    return jsonify({"data": resolutions.list_rules()})


def set_rule(scope: str) -> Response:
    name, _, field = scope.partition(".")
    if name not in engine().registry or field not in engine().registry[name].pushed_fields:
        raise NotFound("There is no such field: say resource.field.")
    form = Form("policy")
    form.require("policy")
    policy = form.choice("policy", POLICIES)
    form.finish()
    assert policy is not None
    resolutions.set_rule(engine(), scope, policy, BY)
    return jsonify(_rule(scope))


def drop_rule(scope: str) -> tuple[str, int]:
    resolutions.drop_rule(path_id(scope, "rule"))
    return "", 204


def _rule(scope: str) -> dict[str, Any]:
    for rule in resolutions.list_rules():
        if rule["field"] == scope:
            return rule
    raise NotFound("The rule was dropped meanwhile.")


def _filters(given: Query | Form) -> dict[str, Any]:
    found = {
        "resource": given.choice("resource", list(engine().registry)),
        "kind": given.choice("kind", KINDS),
        **{name: given.text(name) for name in ("field", "record_id", "run_id")},
    }
    return {name: value for name, value in found.items() if value is not None}


def _decision() -> Decision:
    form = Form("use", "value", "make_rule", "recreate")
    form.require("use")
    use, make_rule, recreate = form.choice("use", USE_OF), form.flag("make_rule"), form.flag("recreate")
    if use == "value":
        form.require("value")
    elif use is not None and "value" in form:
        form.errors["value"] = ["Goes with use: value only."]
    if make_rule and use == "value":
        form.errors["make_rule"] = ["A value is no rule: only crm or local can become one."]
    if recreate and use in {"crm", "value"}:
        form.errors["recreate"] = ["Goes with use: local only."]
    form.finish()
    assert use is not None
    return Decision(Choice(USE_OF[use], form.value("value"), recreate), make_rule, BY)
