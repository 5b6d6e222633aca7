"""The requests of the Postman collection that make a conflict which a person has to decide, and decide it."""

from app.http import openapi_examples as examples
from app.http.postman_crm import NO_AUTH, NOW
from app.http.postman_parts import Doc, Step, crm_request, equals, folder, has, named
from app.http.postman_records import NOBODY, Flow

Steps = list[tuple[str, Step]]


def conflicts(flow: Flow) -> Doc:
    """Let both sides change a field while a rule says that a person decides."""
    field = examples.edited(flow.resource)
    rule = {"scope": f"{flow.resource.name}.{field.name}"}
    gone = {"the code is for programs": equals("body.code", "not_found")}
    next_edit = {"mode": "status", "status": 400, "count": 1, "method": "PATCH"}
    fault = Step(
        f"{flow.many}: let the CRM refuse the next edit", 201, next_edit, checks={"it will": has("mode", "status")}
    )
    url = "{{crmUrl}}/crm/_faults"
    steps = [*_disagree(flow), *_look(flow), *_decide(flow)]
    items = [
        flow.request(
            "setRule", Step(f"{flow.many}: a person decides from now on", 200, {"policy": "manual"}, ids=rule)
        ),
        flow.request("listRules", Step(f"{flow.many}: list rules", 200, checks=_some("body.data"))),
        crm_request(fault, "POST", url, "The mock CRM's own: faults on purpose.", NO_AUTH),
        *(flow.request(verb, step) for verb, step in steps),
        flow.request("dropRule", Step(f"{flow.many}: drop the rule", 204, ids=rule)),
        flow.request("dropRule", Step(f"{flow.many}, refused: no such rule", 404, ids=rule, checks=gone)),
    ]
    return folder(f"{flow.many}: a conflict", "Both sides change one field, and a person decides.", items)


def _disagree(flow: Flow) -> Steps:
    field = examples.edited(flow.resource)
    ours = examples.other(field, 6)
    theirs = examples.delivery(flow.resource, 7) | {"crm_id": flow.variable("CrmId"), "timestamp": "{{moment}}"}
    failed = {"the CRM refused it": equals("body.sync_status", "failed")}
    waits = {"it waits": equals("body.sync_status", "conflict"), "ours stays": has(field.name, ours)}
    return [
        ("edit{0}", Step(f"{flow.many}: edit here", 200, {field.name: ours}, ids=flow.identity, checks=failed)),
        ("receiveWebhook", Step(f"{flow.many}: another value comes from the CRM", 200, theirs, before=NOW)),
        ("read{0}", Step(f"{flow.many}: the {flow.word} waits for a person", 200, ids=flow.identity, checks=waits)),
    ]


def _look(flow: Flow) -> Steps:
    open_ = {"status": "open", "record_id": flow.variable("Id")}
    keeps = {f"{flow.one}ConflictId": "body.data[0].id"}
    nobody = {"conflict_id": NOBODY}
    one = Step(f"{flow.many}: list open conflicts", 200, query=open_, keeps=keeps, checks=_some("body.data"))
    return [
        ("listConflicts", one),
        ("readConflict", Step(f"{flow.many}: read the conflict", 200, ids=_id(flow), checks=_status("open"))),
        ("readConflict", Step(f"{flow.many}, refused: no such conflict", 404, ids=nobody)),
    ]


def _decide(flow: Flow) -> Steps:
    twice = {"somebody was faster": equals("body.code", "already_decided")}
    none = {"none was left": equals("body.resolved", 0)}
    mine = {"use": "crm", "record_id": flow.variable("Id")}
    half, ours = {"use": "value"}, {"use": "local"}
    return [
        (
            "resolveConflict",
            Step(f"{flow.many}, refused: half a decision", 400, half, _id(flow), checks=named("value")),
        ),
        ("resolveConflict", Step(f"{flow.many}: we are right", 200, ours, _id(flow), checks=_status("resolved"))),
        ("resolveConflict", Step(f"{flow.many}, refused: decided already", 409, ours, _id(flow), checks=twice)),
        ("resolveConflicts", Step(f"{flow.many}: resolve all that are open", 200, mine, checks=none)),
        ("resolveConflicts", Step(f"{flow.many}, refused: all of what?", 400, {"use": "crm"}, checks=named("ids"))),
    ]


def _id(flow: Flow) -> dict[str, str]:
    return {"conflict_id": flow.variable("ConflictId")}


def _status(expected: str) -> dict[str, str]:
    return {f"it is {expected}": equals("body.status", expected)}


def _some(place: str) -> dict[str, str]:
    return {"there is one": f"pm.expect({place}).to.not.be.empty;"}
