"""Coming to rest: nothing goes wrong any more, and the service is left alone until nothing moves."""

from typing import TYPE_CHECKING

from app.core.db import reading
from app.services import operations, resolutions, runs
from app.simulator.history import Step
from app.simulator.ledger import ALL
from app.store import inbox, outbox, records
from app.sync.engine import Engine
from app.sync.runs import Asked, Direction, resume_dead
from app.sync.schedule import LONGEST_ASKED

if TYPE_CHECKING:
    from app.simulator.stage import Stage

ROUND = 400.0
"""Seconds that pass between two looks; above every lease and above the silence after which a run is dead."""
ROUNDS = 40
ALONE = int(4 * LONGEST_ASKED / ROUND)
"""Rounds within which the service has to have tried everything by itself."""


def come(stage: "Stage") -> None:
    """Let everything that is under way arrive, unaided at first; what was given up is then tried as a person would."""
    stage.calm()
    stage.clock.skew, stage.line.down_until = 0.0, 0.0
    with stage.app.app_context(), stage.processes.acting("worker") as engine:
        stage.clock.passed += ROUND
        _deliver_all(stage)
        _alone(stage, engine)
        _aided(stage, engine)


def _alone(stage: "Stage", engine: Engine) -> None:
    for _ in range(ALONE):
        stage.clock.passed += ROUND
        hears = _work(stage, engine)
        _deliver_all(stage)
        if hears and not owes(stage, unaided=True):
            return
    stage.ledger.breach("forgotten", _what(stage))


def _deliver_all(stage: "Stage") -> None:
    while stage.mail:  # our own writes are told to us, too
        stage.acts.play(Step("deliver"))


def _work(stage: "Stage", engine: Engine) -> bool:
    """Do what a worker does, but for the pull where webhooks alone have to do; tell whether the CRM lets it."""
    resume_dead(engine)
    direction: Direction = "push" if stage.setting.news == "webhooks" else "both"
    for _ in range(3):
        run = runs.run(engine, Asked(direction, tuple(engine.registry), "test"))
        if run["status"] == "needs_approval":
            resolutions.approve(engine, run["id"], "test", yes=True)
        stage.acts.play(Step("settle"))
        if run["status"] != "failed" and not owes(stage, unaided=True):
            return True
    return False


def _aided(stage: "Stage", engine: Engine) -> None:
    """What the CRM refused is tried once more by a person; a refusal that a fault made up ends there."""
    for _ in range(ROUNDS):
        operations.retry(engine, list(engine.registry))
        hears = _work(stage, engine)
        _deliver_all(stage)
        if hears and not owes(stage):
            return
        stage.clock.passed += ROUND


def owes(stage: "Stage", *, unaided: bool = False) -> bool:
    """Tell whether anything is still to be done; `unaided`, by the service alone."""
    owed, parked, held = _counts(stage)
    return bool(owed - (len(_wait_for_the_refused(stage)) if unaided else 0) or parked or held)


def _wait_for_the_refused(stage: "Stage") -> set[str]:
    """Return what waits for a record that the CRM has refused: only a person can get that one there."""
    with reading() as connection:
        owed = [one for name in stage.registry for one in outbox.of_resource(connection, name, "", ALL)]
        stuck = {one for resource in stage.registry.values() for one in records.stuck(connection, resource)}
    stuck -= {one.record_id for one in owed}
    waiting = set[str]()
    while more := {one.record_id for one in owed if one.waits_for in stuck | waiting} - waiting:
        waiting |= more
    return waiting


def _counts(stage: "Stage") -> tuple[int, int, int]:
    with reading() as connection:
        return (
            sum(outbox.backlog(connection, name)[0] for name in stage.registry),
            sum(inbox.count_parked(connection, name)[0] for name in stage.registry),
            sum(inbox.count_held(connection, name) for name in stage.registry),
        )


def _what(stage: "Stage") -> str:
    owed, waiting, held = _counts(stage)
    return f"after hours in peace {owed} records are owed, {waiting} deliveries parked and {held} deletions held back"
