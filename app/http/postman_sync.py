"""The requests of the Postman collection about the sync and its runs."""

from collections.abc import Mapping
from typing import Any

from app.http.postman_parts import Api, Doc, Step, equals, folder, named

RUN: Mapping[str, str] = {"run_id": "{{runId}}"}
ENDED = {"it came to its end": equals("body.status", "succeeded")}
DECIDED = {"it waits for nobody": equals("body.code", "already_decided")}
NONE: Mapping[str, str] = {}
Steps = list[tuple[str, Step]]


def sync(api: Api) -> Doc:
    """Run it, and see how it is."""
    steps = [*_runs(api), *_looks()]
    return folder(
        "Sync",
        "Run it, see how it is, what it would do, and whether both sides are in step.",
        [api.request(operation, step) for operation, step in steps],
    )


def runs(api: Api) -> Doc:
    """Take a run back, and decide what one left to a person."""
    steps: Steps = [
        ("listRuns", _step("List runs", query={"per_page": "3"}, some="pm.expect(body.data).to.not.be.empty;")),
        (
            "rollBackRun",
            _step("What would a rollback write?", {"dry_run": True}, RUN, dry=equals("body.dry_run", True)),
        ),
        ("rollBackRun", Step("Take the run back", 200, ids=RUN, checks=ENDED | _is("body.rolls_back", "{{runId}}"))),
        ("approveRun", Step("Approve what waits for nobody", 409, ids=RUN, checks=DECIDED)),
        ("refuseRun", Step("Refuse what waits for nobody", 409, {"recreate": True}, ids=RUN, checks=DECIDED)),
        ("rollBackRun", Step("Take a run back that never was", 404, ids={"run_id": "none"})),
    ]
    return folder("Runs", "What they did, and the way back.", [api.request(name, step) for name, step in steps])


def _runs(api: Api) -> Steps:
    begun = {
        "it has begun": 'pm.expect(body.status).to.be.oneOf(["running", "succeeded"]);',
        "Location says where": 'pm.response.to.have.header("Location");',
    }
    later = {"Prefer": "respond-async"}
    wrong = {"resources": [], "batch_size": 0, "policy": "nobody_wins"}
    everything, pull, special = (api.example("runSync", name) for name in ("everything", "pull", "special"))
    return [
        ("runSync", Step("Sync everything now", 200, everything, checks=ENDED)),
        ("runSync", Step("Pull only", 200, pull, checks=ENDED)),
        (
            "runSync",
            Step("Sync once with another policy", 200, special, checks=ENDED | _is("body.policy", "local_wins")),
        ),
        ("runSync", Step("Sync, refused: what makes no sense", 400, wrong, checks=named(*wrong))),
        ("runSync", Step("Begin a sync", 202, headers=later, keeps={"runId": "body.id"}, checks=begun)),
        ("readRun", Step("Wait for its end", 200, ids=RUN, until='body.status !== "running"', checks=ENDED)),
    ]


def _looks() -> Steps:
    listed = 'pm.expect(body.differences).to.be.an("array");'
    return [
        ("readSyncStatus", _step("Is the sync healthy?", answers=equals("body.crm.reachable", True))),
        ("pauseSync", _step("Pause the schedule", paused=equals("body.paused", True))),
        ("resumeSync", _step("Resume the schedule", resumed=equals("body.paused", False))),
        (
            "planSync",
            _step("What would a run do?", query={"limit": "5"}, planned='pm.expect(body.writes).to.be.an("array");'),
        ),
        (
            "planSync",
            Step("Plan, refused: another direction", 400, query={"direction": "up"}, checks=named("direction")),
        ),
        (
            "verifySync",
            _step("Are both sides in step?", said='pm.expect(body.sentence).to.include("in step");', all=listed),
        ),
        ("verifySync", Step("Verify, refused: no flag", 400, {"repair": 1}, checks=named("repair"))),
    ]


def _step(
    title: str, body: Any = None, ids: Mapping[str, str] = NONE, query: Mapping[str, str] = NONE, **checks: str
) -> Step:  # fmt: skip
    return Step(title, 200, body, ids=ids, query=query, checks=checks)


def _is(place: str, value: str) -> dict[str, str]:
    return {f"{place.rpartition('.')[2]} is what was asked": equals(place, value)}
