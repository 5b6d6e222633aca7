"""The operations on the sync itself, for the OpenAPI document: run, status, schedule, plan, verify."""

from typing import Any

from apispec import APISpec

from app.core.field import POLICIES
from app.core.resource import Registry
from app.http import openapi_run_examples as examples
from app.http import operations
from app.http.openapi_links import to_run
from app.http.openapi_parts import (
    Doc,
    answer,
    body,
    flag,
    number,
    operation,
    order,
    query,
    refusals,
    schema,
    text,
)  # fmt: skip
from app.services import policies
from app.services.orders import DIRECTION_OF, LARGEST_BATCH

TAG = "sync"
ALIAS = "`bidirectional` is `both`."


def add(spec: APISpec, registry: Registry) -> None:
    """Add the operations, and what their bodies look like."""
    resources = {"type": "array", "items": text(enum=list(registry)), "minItems": 1, "description": "Not all of them."}
    spec.components.schema(
        "SyncOrder",
        order(
            direction=text(enum=list(DIRECTION_OF), default="both", description=ALIAS),
            resources=resources,
            batch_size=number(1, LARGEST_BATCH) | {"description": "Other than SYNC_BATCH_SIZE."},
            policy=text(
                minLength=1, maxLength=policies.LONGEST, pattern=_policies(registry),
                description="For this run, instead of CONFLICT_POLICY and in its form. Declarations and rules stand.",
            ),
        ),
    )  # fmt: skip
    spec.components.schema(
        "VerifyOrder", order(resources=resources, repair=flag("Heal what nothing explains, through the engine."))
    )
    request_id: list[Any] = ["RequestId"]
    paths = {
        "/sync": {"post": _run(registry)},
        "/sync/status": {"get": _status(registry)},
        "/sync/pause": {"post": _schedule("pause", paused=True)},
        "/sync/resume": {"post": _schedule("resume", paused=False)},
        "/sync/plan": {"get": _plan(registry)},
        "/sync/verify": {"post": _verify(registry)},
    }
    for path, found in paths.items():
        spec.path(path, operations=found, parameters=request_id)


def _policies(registry: Registry) -> str:
    """Return the form of CONFLICT_POLICY: a policy, or several of which each may name a resource or a field."""
    scopes = [each for name, one in registry.items() for each in (name, *(rf"{name}\.{f}" for f in one.pushed_fields))]
    one = f"(({'|'.join(scopes)}):)?({'|'.join(POLICIES)})"
    return f"^[ ,]*{one}( *,[ ,]*{one})*[ ,]*$"


def _run(registry: Registry) -> Doc:
    ended = answer("The run, at its end.", schema("Run"), examples.run(list(registry)))
    begun = answer(
        "The run has begun; `Location` says where to look.", schema("Run"), examples.run(list(registry), "running"),
        "Location", "Preference-Applied",
    )  # fmt: skip
    ended["links"] = begun["links"] = to_run("$response.body#/id")
    special = {"direction": "both", "batch_size": 50, "policy": "local_wins"}
    given = {
        "everything": ("Everything, both ways", {"direction": "both"}),
        "pull": ("Only from the CRM", {"direction": "pull", "resources": list(registry)}),
        "special": ("Once with another policy, in smaller batches", special),
    }
    return operation(
        TAG, "runSync", "Sync now",
        "Takes in what changed in the CRM and pushes what is owed. The body may be left out. A CRM that cannot be "
        "reached makes the run `failed`; that is an answer too, not an error. One run at a time is at a resource: "
        "another one waits for a few seconds, and is `failed` then.",
        parameters=["Prefer"],
        requestBody=body(schema("SyncOrder"), given, required=False),
        responses={"200": ended, "202": begun, **refusals(400, 413, 415)},
    )  # fmt: skip


def _status(registry: Registry) -> Doc:
    found = answer("How the sync is.", schema("SyncStatus"), examples.status(list(registry)))
    return operation(
        TAG, "readSyncStatus", "Is the sync healthy?",
        "For each resource, what was done, what is owed in each direction and for how long; and whether the CRM "
        "answers, which it is asked if it has not been heard of for half a minute.",
        responses={"200": found, **refusals()},
    )  # fmt: skip


def _schedule(verb: str, *, paused: bool) -> Doc:
    what = "Stops the scheduled pulls until they are resumed" if paused else "Lets the scheduled pulls go on"
    found = answer("The schedule.", schema("Schedule"), examples.schedule(paused=paused))
    return operation(
        TAG, f"{verb}Sync", f"{verb.capitalize()} the schedule",
        f"{what}, over restarts too. Pushes, webhooks and runs that somebody asks for go on.",
        responses={"200": found, **refusals()},
    )  # fmt: skip


def _plan(registry: Registry) -> Doc:
    names, resource = list(registry), next(iter(registry.values()))
    several = {"type": "array", "items": text(enum=names)}
    most = number(1, operations.MOST_PLANNED, operations.PLANNED)
    return operation(
        TAG, "planSync", "What would a run do?",
        "The writes that a run would do now on each side, field by field, and what waits for a person or for its "
        "time. The engine itself works it out, and writes nothing. 503 when the CRM cannot be read.",
        parameters=[
            query("direction", ALIAS, text(enum=list(DIRECTION_OF), default="both")),
            query("resource", "Only this one; may be given again.", several),
            query("limit", "Most writes to list; all of them are counted.", most),
        ],
        responses={"200": answer("The plan.", schema("Plan"), examples.plan(resource)), **refusals(400)},
    )  # fmt: skip


def _verify(registry: Registry) -> Doc:
    found = examples.verification(next(iter(registry.values())))
    given = {"all": ("Compare everything", {}), "repair": ("Heal too", {"repair": True})}
    return operation(
        TAG, "verifySync", "Are both sides in step?",
        "Reads every record of the CRM and compares it with ours; says of each difference why it is there. With "
        "`repair`, what nothing explains is healed first, in a run that can be rolled back. 503 when the CRM cannot "
        "be read.",
        requestBody=body(schema("VerifyOrder"), given, required=False),
        responses={"200": answer("What was found.", schema("Verification"), found), **refusals(400, 413, 415)},
    )  # fmt: skip
