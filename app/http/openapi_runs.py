"""The operations on runs, for the OpenAPI document: look, take back, approve, refuse."""

from typing import Any

from apispec import APISpec

from app.core.resource import Registry
from app.http import openapi_run_examples as examples
from app.http import runs
from app.http.openapi_links import to_run
from app.http.openapi_parts import (
    DECIDED,
    Doc,
    answer,
    body,
    flag,
    listed,
    operation,
    order,
    pages,
    parameter,
    refusals,
    schema,
    text,
)  # fmt: skip

TAG = "runs"


def add(spec: APISpec, registry: Registry) -> None:
    """Add the operations, and what their bodies look like."""
    spec.components.schema("RollbackOrder", order(dry_run=flag("Say what would be written, and write nothing.")))
    spec.components.schema("Approve", order())
    spec.components.schema("Refuse", order(recreate=flag("Create the records in the CRM again.")))
    run_id: list[Any] = [parameter("path", "run_id", "The run's id.", text(format="uuid"), required=True), "RequestId"]
    one = "/sync/runs/{run_id}"
    spec.path("/sync/runs", operations={"get": _list(registry)}, parameters=run_id[1:])
    spec.path(one, operations={"get": _read(registry)}, parameters=run_id)
    spec.path(f"{one}/rollback", operations={"post": _roll_back(registry)}, parameters=run_id)
    spec.path(f"{one}/approve", operations={"post": _approve()}, parameters=run_id)
    spec.path(f"{one}/refuse", operations={"post": _refuse()}, parameters=run_id)


def _list(registry: Registry) -> Doc:
    found = answer("A page of runs.", schema("Runs"), listed(runs.PER_PAGE, examples.run(list(registry))))
    found["links"] = to_run("$response.body#/data/0/id")
    return operation(
        TAG, "listRuns", "List runs", "Newest first; those of the worker and of commands too.",
        parameters=pages(runs.PER_PAGE),
        responses={"200": found, **refusals(400)},
    )  # fmt: skip


def _read(registry: Registry) -> Doc:
    found = answer("The run.", schema("Run"), examples.run(list(registry)))
    found["links"] = to_run("$response.body#/id")
    return operation(
        TAG, "readRun", "Read a run", "What it did, and whether it has ended; while it is at work, the counts so far.",
        responses={"200": found, **refusals(404)},
    )  # fmt: skip


def _roll_back(registry: Registry) -> Doc:
    resource = next(iter(registry.values()))
    done = answer(
        "The run that took it back; or, dry, what it would write.",
        {"oneOf": [schema("Run"), schema("RollbackPlan")]}, examples.rollback(resource),
    )  # fmt: skip
    given = {"dry": ("Dry: only look", {"dry_run": True}), "do": ("Do it", {})}
    return operation(
        TAG, "rollBackRun", "Take a run back",
        "Every record that the run changed goes back to what it was, here and in the CRM. One that has moved since is "
        "left, and listed in `parts`. A rollback is a run, and can be taken back. 409 while the run is at work.",
        requestBody=body(schema("RollbackOrder"), given, required=False),
        responses={"200": done, **refusals(400, 404, 413, 415), **DECIDED},
    )  # fmt: skip


def _approve() -> Doc:
    return _decision(
        "approveRun", "Approve deletions",
        "A pull that would delete too many records here stops as `needs_approval`. This does what it left.",
        body(schema("Approve"), {"yes": ("Do them", {})}, required=False), "approved",
    )  # fmt: skip


def _refuse() -> Doc:
    given = {"keep": ("Keep the records here", {}), "recreate": ("And have them in the CRM again", {"recreate": True})}
    return _decision(
        "refuseRun", "Refuse deletions",
        "Keeps the records that a pull would have deleted: here alone, or, with `recreate`, in the CRM again.",
        body(schema("Refuse"), given, required=False), "refused",
    )  # fmt: skip


def _decision(operation_id: str, summary: str, description: str, given: Doc, status: str) -> Doc:
    found = answer("What became of them.", schema("Approval"), {"status": status, "resolved": 12, "left": []})
    return operation(
        TAG, operation_id, summary, f"{description} 409 when the run waits for nobody.",
        requestBody=given,
        responses={"200": found, **refusals(400, 404, 413, 415), **DECIDED},
    )  # fmt: skip
