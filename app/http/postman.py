"""The Postman collection: a walk through the API in which each request uses what the one before it answered."""

from app.core.resource import Registry
from app.http import openapi
from app.http.postman_calendar import calendar
from app.http.postman_conflicts import conflicts
from app.http.postman_crm import CRM_VARIABLES, edit_in_crm, webhook
from app.http.postman_lookback import lookback
from app.http.postman_many import many
from app.http.postman_parts import Api, Doc, Step, equals, folder
from app.http.postman_records import Flow
from app.http.postman_relations import kept, relations, steps
from app.http.postman_search import search
from app.http.postman_sync import runs, sync

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
KEPT = ("Id", "CrmId", "Etag", "ChangeId", "OtherId", "ConflictId")
"""What the requests about one resource keep for the next ones."""
DESCRIPTION = """\
A walk through the API, to run as a whole: every request has its tests, and uses what the ones before it answered.

Start the service and its mock CRM, then run the collection. `baseUrl` and `crmUrl` say where they are. A service in
production also needs `apiToken`, and refuses the unsigned webhooks.
"""


def build(registry: Registry) -> Doc:
    """Return the collection."""
    api = Api(openapi.build(registry))
    flows = [Flow(api, registry, resource) for resource in registry.values()]
    folders = [_service(api)]
    for flow in flows:
        folders += [flow.life(), search(flow), lookback(flow), many(flow), edit_in_crm(flow), webhook(flow)]
        folders += [conflicts(flow), flow.refusals()]
        folders += [calendar(flow)] if flow.resource.occurs else []
    folders += [relations(flow) for flow in flows if flow.resource.children]
    folders += [steps(flow) for flow in flows if flow.resource.actions]
    folders += [sync(api), runs(api), *(flow.end() for flow in reversed(flows))]  # those that refer to others go first
    own = {"baseUrl": "http://127.0.0.1:8000", "apiToken": "", "run": "", "tries": "0", "moment": "", "runId": ""}
    of_flows = {f"{flow.one}{what}": "" for flow in flows for what in KEPT}
    of_children = {name: "" for flow in flows for name in kept(flow)}
    variables = own | CRM_VARIABLES | of_flows | of_children
    bearer = [{"key": "token", "value": "{{apiToken}}", "type": "string"}]
    return {
        "info": {"name": openapi.TITLE, "description": DESCRIPTION, "version": openapi.VERSION, "schema": SCHEMA},
        "item": folders,
        "auth": {"type": "bearer", "bearer": bearer},
        "variable": [{"key": key, "value": value} for key, value in variables.items()],
    }


def _service(api: Api) -> Doc:
    steps = {
        "readLiveness": Step("Is it alive?", 200, checks={"it is": equals("body.status", "ok")}),
        "readReadiness": Step("Is it ready?", 200, checks={"it is": equals("body.status", "ready")}),
        "readMetrics": Step(
            "Metrics", 200, checks={"they count pushes": 'pm.expect(pm.response.text()).to.include("crm_sync_pushes");'}
        ),
        "readOpenAPI": Step("OpenAPI document", 200, checks={"it is OpenAPI 3.1": equals("body.openapi", "3.1.0")}),
        "readDocs": Step(
            "Explorer", 200, checks={"it is a page": 'pm.expect(pm.response.text()).to.include("<!DOCTYPE html>");'}
        ),
        "readPostman": Step("This collection", 200, checks={"it is": equals("body.info.name", openapi.TITLE)}),
    }
    items = [api.request(operation, step) for operation, step in steps.items()]
    return folder("Service", "Is it there, and how is it used?", items)
