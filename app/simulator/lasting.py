"""Invariants of a service at rest: it stays as it is, whatever it is told again, and knows how it stands."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING, Any

from app.core.db import reading
from app.services import runs, verifying
from app.simulator import rest
from app.simulator.crms import FREE
from app.simulator.ledger import ALL
from app.simulator.view import View
from app.store import records

if TYPE_CHECKING:
    from app.simulator.stage import Stage

SOME = 8
"""Deliveries that are repeated at the end of a history."""


def runs_ended(view: View) -> Iterator[str]:
    with view.stage.processes.acting("worker") as engine:
        found, _ = runs.listing(engine, 100, 0)
    for run in found:
        if run["status"] == "running":
            yield f"run {run['id']} of {run['started_at']} is still running"


def quiet(view: View) -> Iterator[str]:
    before, versions = len(view.stage.crm.writes), _versions(view.stage)
    rest.come(view.stage)
    if len(view.stage.crm.writes) != before:
        yield f"it still writes to the CRM: {view.stage.crm.writes[before:]}"
    if _versions(view.stage) != versions:
        yield "records still change"


def delivered_again(view: View) -> Iterator[str]:
    """Deliver some of all webhooks again, in another order, half of them under another name."""
    stage, before = view.stage, _versions(view.stage)
    if not (stage.setting.habits.has_feed or stage.setting.news == "webhooks"):
        return  # what was lost is news to a service that cannot pull
    random, made = Random(len(stage.sent)), len(stage.crm.writes)  # noqa: S311
    # What a person has yet to decide on was told of by a pull: a message of before that was lost is still news to it.
    waiting = {one["crm_id"] for one in view.conflicts if (one["kind"], one["status"]) == ("deleted", "open")}
    sent = [letter for letter in stage.sent if letter.body["crm_id"] not in waiting]
    chosen = random.sample(sent, min(SOME, len(sent)))
    for number, letter in enumerate(chosen):
        renamed = replace(letter, identity=f"{letter.identity}-again") if number % 2 else letter
        with stage.processes.acting("web"):
            stage.acts.post(renamed)
    rest.come(stage)
    if _versions(view.stage) != before:
        yield "records changed when old webhooks came again"
    if len(stage.crm.writes) != made:
        yield f"old webhooks made it write: {stage.crm.writes[made:]}"


def verified(view: View) -> Iterator[str]:
    found = _verify(view)
    if found["unexplained"]:
        yield f"it finds {found['differences'][:3]}"
    counted = found["in_step"]
    really = len(view.in_step())
    if counted != really and not view.disputed and view.stage.setting.habits.has_feed:
        yield f"it counts {counted} records in step, and {really} are"
    yield from _damage_is_found(view)


def _verify(view: View) -> dict[str, Any]:
    with view.stage.processes.acting("worker") as engine:
        view.stage.clock.sleep(engine.crm.pace.paused_for())  # nothing was owed, so nobody has waited for this yet
        return verifying.verify(engine, [view.resource.name], repair=False, by="test")


def _damage_is_found(view: View) -> Iterator[str]:
    """Change a record in the CRM behind everybody's back, and see whether verify says so."""
    crm, sound = view.crm, view.in_step()
    if not sound:
        return
    record, _ = sound[len(sound) // 2]
    row = crm.rows[record.crm_id or ""]
    name = next(one.crm for one in view.resource.fields.values() if one.crm and one.kind in FREE)
    crm.rows[row.crm_id] = replace(row, fields={**row.fields, name: "Damaged"})
    found = _verify(view)
    crm.rows[row.crm_id] = row
    if row.crm_id not in {one["crm_id"] for one in found["differences"]}:
        yield f"it did not find that {row.crm_id} was damaged"


def _versions(stage: "Stage") -> dict[str, Any]:
    with reading() as connection:
        found = [one for resource in stage.registry.values() for one in records.live(connection, resource, "", ALL)]
    return {record.id: (record.version, record.fields) for record in found}
