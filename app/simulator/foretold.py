"""Is what was foretold what was done? A plan beside the run after it, a dry rollback beside the real one."""

from typing import TYPE_CHECKING, Any

from app.core.db import reading
from app.core.errors import ServiceError
from app.services import plans, rollbacks, runs
from app.store import crm_changes, journal, records
from app.store.journal import Entry
from app.sync.engine import Engine
from app.sync.runs import Asked, resume_dead

if TYPE_CHECKING:
    from app.simulator.stage import Stage

MOST = 10_000
FEW = 5
Writes = list[tuple[Any, ...]]


def plan_and_do(stage: "Stage", engine: Engine, *, compare: bool) -> None:
    """Plan a run, do it, and compare when nothing came in between. Raises CRMError when nothing can be planned."""
    names = list(engine.registry)
    # A run goes on first with those that were cut off: they would do, under their own names, what the plan foretells.
    resume_dead(engine)
    # What a worker has claimed is its own for a while, and a plan says so; a circuit that is open lets nothing through.
    is_calm = (
        compare
        and _can_be_foretold(stage)
        and not any(stage.processes.claimed.values())
        and engine.crm.breaker.state == "closed"
    )
    planned = plans.plan(engine, "both", names, MOST)
    run = runs.run(engine, Asked("both", tuple(names), "test"))
    if is_calm and run["status"] == "succeeded":
        # Of what refers to others, a plan cannot say yet whether they will be there.
        alone = {name for name, one in engine.registry.items() if not one.references}
        said, did = foretold(planned), came_true(engine, run)
        said, did = (_without_what_is_dropped(stage, [one for one in all_ if one[1] in alone]) for all_ in (said, did))
        _compare(stage, "plan", said, did)


def roll_back_one(stage: "Stage", engine: Engine, which: int, *, compare: bool) -> None:
    """Take back one of the last runs, dry first."""
    # What the CRM has not said yet cannot be foretold, and a rollback may well come to hear of it.
    knows_all = compare and runs.run(engine, Asked("both", tuple(engine.registry), "test"))["status"] == "succeeded"
    found, _ = runs.listing(engine, FEW, 0)
    ended = [one for one in found if one["status"] in {"succeeded", "failed"}]
    if not ended:
        return
    run = ended[which % len(ended)]
    unheard, merged = _gone_unheard(stage, engine), _merged_unheard(stage, engine)
    try:
        dry = rollbacks.roll_back(engine, run["id"], "test", dry_run=True)
        done = rollbacks.roll_back(engine, run["id"], "test", dry_run=False)
    except ServiceError:
        if stage.processes.storage_failed:
            raise
        return
    _took_back_its_own(stage, engine, run["id"], done["id"])
    # A CRM that keeps silent about a field never confirms what was foretold of it.
    is_calm = knows_all and _can_be_foretold(stage) and not stage.setting.habits.drops
    if is_calm and not any(stage.processes.claimed.values()) and done["status"] == "succeeded":
        said, did = foretold(dry), came_true(engine, done)
        said, did = ([one for one in all_ if one[1:3] not in merged] for all_ in (said, did))
        _compare(stage, "rollback", said, [one for one in did if one in said or one[:4] not in unheard])


def _can_be_foretold(stage: "Stage") -> bool:
    """Tell whether writes can be foretold at all: not what a CRM makes of a value, nor what it lists late."""
    return not (stage.setting.habits.mangles or stage.setting.habits.lists_late)


def _without_what_is_dropped(stage: "Stage", writes: Writes) -> Writes:
    """Leave out the field that the CRM drops: under `crm_wins` it comes back empty, which nobody can foretell."""
    left = []
    for side, name, record, action, pairs in writes:
        habits, fields = stage.crm[name].habits, stage.registry[name].fields.values()
        dropped = {one.name for one in fields if one.crm and one.crm == habits.drops}
        kept = [pair for pair in pairs if pair[0] not in dropped]
        if kept or not pairs:
            left.append((side, name, record, action, kept))
    return left


def _gone_unheard(stage: "Stage", engine: Engine) -> set[tuple[str, str, str, str]]:
    """Return the creates that restoring would lead to, of what the CRM has deleted since it was parted with.

    What nobody here belongs to any more is nobody's news, so that it is gone is found out by the push.
    """
    found = set()
    for name, resource in engine.registry.items():
        gone = [row.crm_id for row in stage.crm[name].rows.values() if row.deleted] or [""]
        with reading() as connection:
            buried = [one for one in records.find(connection, resource, crm_ids=gone) if one.deleted_at is not None]
            parted = [one for one in buried if journal.buried_by(connection, name, one.id) == "rollback"]
        found |= {("crm", name, one.id, "create") for one in parted}
    return found


def _merged_unheard(stage: "Stage", engine: Engine) -> set[tuple[str, str]]:
    """Return the tombstones that live on in another record of a CRM without a feed: of them it tells nobody first."""
    found = set()
    for name, resource in () if stage.setting.habits.has_feed else engine.registry.items():
        gone = [row.crm_id for row in stage.crm[name].rows.values() if row.merged_into is not None]
        with reading() as connection:
            linked = records.find(connection, resource, crm_ids=gone or [""])
        found |= {(name, one.id) for one in linked if one.deleted_at is not None}
    return found


def _took_back_its_own(stage: "Stage", engine: Engine, run_id: str, rollback_id: str) -> None:
    """A rollback changes only what still is as the run left it."""
    for name in engine.registry:
        wrote = {
            (one.record_id, field): new for one in of_run(run_id, name)[0] for field, (_, new) in one.changes.items()
        }
        for one in of_run(rollback_id, name)[0]:
            for field, (old, _) in one.changes.items() if one.origin == "rollback" else ():
                if wrote.get((one.record_id, field), old) != old:
                    stage.ledger.breach("rollback", f"{one.record_id}.{field} = {old!r} was newer than the run")


def _compare(stage: "Stage", invariant: str, said: Writes, did: Writes) -> None:
    if said != did:
        only_said = [one for one in said if one not in did]
        only_did = [one for one in did if one not in said]
        stage.ledger.breach(invariant, f"foretold and not done: {only_said}; done and not foretold: {only_did}")


def foretold(planned: dict[str, Any]) -> Writes:
    """Return the planned writes. A record that would be created here has no id yet: it is named by its crm_id."""
    return sorted(
        (
            one["side"],
            one["resource"],
            one["crm_id"] if (one["side"], one["action"]) == ("here", "create") else one["record_id"],
            one["action"],
            sorted((name, pair["from"], pair["to"]) for name, pair in one["fields"].items()),
        )
        for one in planned["writes"]
    )


def came_true(engine: Engine, run: dict[str, Any]) -> Writes:
    """Return what a run did, in the form in which it was foretold."""
    done: Writes = []
    for name in engine.registry:
        here, there = of_run(run["id"], name)
        done += [("here", name, *_named(engine, one), _pairs(one.changes)) for one in here]
        done += [
            ("crm", name, one.record_id, one.action, [] if one.action == "delete" else _pairs(one.changes))
            for one in there
        ]
    return sorted(done)


def of_run(run_id: str, resource: str) -> tuple[list[Entry], list[crm_changes.Told]]:
    """Return what a run changed here, and what in the CRM, each in order."""
    with reading() as connection:
        ids = crm_changes.touched(connection, run_id, resource, "", MOST)
        return journal.of_run(connection, run_id, resource, ids), crm_changes.of_run(connection, run_id, resource, ids)


def _named(engine: Engine, entry: Entry) -> tuple[str | None, str]:
    if entry.version == 1:
        with reading() as connection:
            found = records.get(connection, engine.registry[entry.resource], entry.record_id)
        return None if found is None else found.crm_id, "create"
    return entry.record_id, "delete" if entry.changes.get(journal.DELETED) == (False, True) else "update"


def _pairs(changes: journal.Changed) -> list[tuple[str, Any, Any]]:
    return sorted((name, old, new) for name, (old, new) in changes.items())
