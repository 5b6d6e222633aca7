"""Conflicts that a person decides: one, many, or all that a run left open; and what becomes a rule."""

from dataclasses import dataclass
from typing import Any, Literal

import structlog
from sqlalchemy import Connection

from app.core.db import reading, transact
from app.core.errors import AlreadyDecided, Invalid, NotFound, ServiceError
from app.core.field import POLICIES
from app.core.resource import Registry
from app.store import conflicts, runs, settings
from app.store.conflicts import Known
from app.store.work import Work
from app.sync import resolve as engine_resolve
from app.sync.engine import Engine
from app.sync.following import finish
from app.sync.resolve import Choice

log = structlog.get_logger(__name__)
Use = Literal["crm", "local", "value"]
USES = ("crm", "local", "value")
AT_ONCE = 200
NEEDS_APPROVAL = "needs_approval"
RULE_OF = {"crm": "crm_wins", "local": "local_wins"}


@dataclass(frozen=True)
class Decision:
    """What a person wants: the choice, whether it is a rule from now on, and who says so."""

    choice: Choice
    make_rule: bool = False
    by: str = "api"


def resolve(engine: Engine, identity: str, decision: Decision) -> dict[str, Any]:
    """Resolve one conflict and return it. Raises NotFound, AlreadyDecided, Invalid and Taken."""
    known = _open(identity)
    if decision.make_rule:
        _check_rule(known, decision.choice)
    _resolve(engine, known, decision)
    if decision.make_rule:
        _make_rule(engine, known, decision)
    with reading() as connection:
        found = conflicts.get(connection, identity)
    assert found is not None
    return conflicts.shown(found)


def resolve_many(engine: Engine, filters: dict[str, Any], decision: Decision) -> dict[str, Any]:
    """Resolve every open conflict that fits; one that cannot be decided so is listed and stays open."""
    done, after = 0, ""
    left: list[dict[str, str]] = []
    while True:
        with reading() as connection:
            batch = conflicts.open_after(connection, filters, after, AT_ONCE)
        if not batch:
            return {"resolved": done, "left": left}
        for known in batch:
            try:
                _resolve(engine, known, decision)
                done += 1
            except ServiceError as error:
                left.append({"id": known.id, "code": error.code, "detail": error.detail})
        after = batch[-1].id


def approve(engine: Engine, run_id: str, by: str, *, yes: bool, recreate: bool = False) -> dict[str, Any]:
    """Do the deletions that a run left to a person, or keep the records. Raises NotFound and AlreadyDecided.

    The first answer is noted before anything is done, so that of two at once one wins. An answer that was cut off
    half-way may be given again.
    """
    said, waiting = "approved" if yes else "refused", {"run_id": run_id, "kind": "deleted", "status": conflicts.OPEN}
    if not transact(lambda tx: runs.move_status(tx, run_id, NEEDS_APPROVAL, said)):
        with reading() as connection:
            found, count = runs.get(connection, run_id), conflicts.count(connection, waiting)
        if found is None:
            raise NotFound("There is no such run.")
        if found["status"] != said or not count:
            raise AlreadyDecided(f"The run is {found['status']}: it waits for nobody.")
    choice = Choice("crm" if yes else "local", recreate=recreate)
    outcome = resolve_many(engine, {"run_id": run_id, "kind": "deleted"}, Decision(choice, by=by))
    if any(one["code"] != AlreadyDecided.code for one in outcome["left"]):
        transact(lambda tx: runs.move_status(tx, run_id, said, NEEDS_APPROVAL))
    log.info("run_approved" if yes else "run_refused", run=run_id, by=by, records=outcome["resolved"])
    return {"status": said, **outcome}


def list_rules() -> list[dict[str, Any]]:
    """Return what people made a rule."""
    with reading() as connection:
        names = settings.rules(connection)
        found = {name: settings.get(connection, settings.RULE + name) for name in names}
    return [{"field": name, "policy": one["value"], "set_by": one["set_by"], "set_at": one["set_at"]}
            for name, one in found.items() if one is not None]  # fmt: skip


def set_rule(engine: Engine, scope: str, policy: str, by: str) -> None:
    """Let a policy hold for a field (`users.phone`) from now on. Raises Invalid."""
    _check_scope(engine.registry, scope)
    if policy not in POLICIES:
        raise Invalid(f"The policy must be one of: {', '.join(POLICIES)}.")
    transact(lambda tx: settings.put(tx, settings.RULE + scope, policy, by, engine.world.now()))
    log.info("rule_made", field=scope, policy=policy, by=by)


def drop_rule(scope: str) -> None:
    """Forget a rule. Raises NotFound."""
    if not transact(lambda tx: settings.remove(tx, settings.RULE + scope)):
        raise NotFound("There is no such rule.")
    log.info("rule_dropped", field=scope)


def _check_scope(registry: Registry, scope: str) -> None:
    name, _, field = scope.partition(".")
    if name not in registry or field not in registry[name].pushed_fields:
        raise Invalid(f"{scope!r} is no field that is synced: say resource.field.")


def _open(identity: str) -> Known:
    with reading() as connection:
        known = conflicts.get(connection, identity)
    if known is None:
        raise NotFound("There is no such conflict.")
    if known.status != conflicts.OPEN:
        raise AlreadyDecided(f"The conflict was resolved already: {known.found.resolution}.")
    return known


def _resolve(engine: Engine, known: Known, decision: Decision) -> None:
    resource = engine.registry[known.resource]

    def work_through(tx: Connection) -> None:
        work = Work(tx, resource)
        if known.found.record_id is not None:
            work.load(ids=[known.found.record_id])
        current = conflicts.get(tx, known.id)
        if current is None or current.status != conflicts.OPEN:
            raise AlreadyDecided("The conflict was resolved meanwhile.")
        engine_resolve.resolve(work, engine, current, decision.choice, decision.by)
        finish(work, engine)

    transact(work_through)
    log.info("conflict_resolved", conflict=known.id, record=known.found.record_id, use=decision.choice.use)


def _check_rule(known: Known, choice: Choice) -> None:
    if known.found.kind != "field" or choice.use not in RULE_OF:
        raise Invalid("Only 'crm' or 'local' on a field can become a rule.")


def _make_rule(engine: Engine, known: Known, decision: Decision) -> None:
    set_rule(engine, f"{known.resource}.{known.found.field}", RULE_OF[decision.choice.use], decision.by)
    same = {"resource": known.resource, "kind": "field", "field": known.found.field}
    resolve_many(engine, same, Decision(decision.choice, by="rule"))
