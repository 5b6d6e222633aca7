"""Explain: in plain words why a record is as it is, who set each field, what is owed, and what to do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from app.core.db import reading
from app.core.errors import NotFound
from app.core.kinds import format_time
from app.core.record import CrmCopy, Record
from app.core.resource import Resource
from app.store import conflicts, crm_changes, crm_copies, inbox, journal, outbox, records
from app.store.outbox import Owed
from app.sync import reconcile
from app.sync.engine import Engine

LAST = 10
BY = {
    "api": "the application",
    "webhook": "the CRM, by a webhook",
    "pull": "the CRM, by a pull",
    "push": "the CRM, in its answer to a push",
    "rollback": "a rollback",
    "resolution": "a person who resolved a conflict",
    "rule": "a rule, because of another record",
}
WHY = {"unavailable": "the CRM could not be reached", "unknown_outcome": "the CRM's answer was lost"}


@dataclass(frozen=True)
class _Facts:
    record: Record
    copy: CrmCopy | None
    entry: Owed | None
    set_by: dict[str, dict[str, Any]]
    decisions: list[dict[str, Any]]
    told: list[dict[str, Any]]
    parked: int
    now: datetime

    @property
    def open(self) -> list[dict[str, Any]]:
        return [one for one in self.decisions if one["status"] == conflicts.OPEN]


def explain(engine: Engine, resource: Resource, record_id: str) -> dict[str, Any]:
    """Return why a record is as it is; of a deleted one too. Raises NotFound."""
    with reading() as connection:
        facts = _facts(connection, engine, resource, record_id)
    record, owed = facts.record, _owed_fields(resource, facts)
    sentences = [_state(resource, facts, owed), *_owing(facts, owed), *_decided(facts), *_waiting(facts)]
    return {
        "record_id": record.id,
        "sync_status": record.status,
        "summary": sentences[0],
        "text": sentences,
        "fields": {name: _field(resource, facts, name, owed) for name in resource.fields},
        "owed": _entry(facts, owed),
        "decisions": facts.decisions,
        "told": facts.told,
        "advice": _advice(resource, facts, owed),
    }


def _facts(connection: Connection, engine: Engine, resource: Resource, record_id: str) -> _Facts:
    record = records.get(connection, resource, record_id)
    if record is None:
        raise NotFound(f"There is no such {resource.singular}.")
    about = {"resource": resource.name, "record_id": record_id}
    parked = [] if record.crm_id is None else inbox.parked_for(connection, resource.name, [record.crm_id])
    return _Facts(
        record,
        crm_copies.get(connection, resource, record_id),
        outbox.get(connection, resource.name, record_id),
        journal.last_set(connection, resource.name, record_id),
        conflicts.listing(connection, about, LAST, 0),
        crm_changes.of(connection, resource.name, record_id, LAST),
        len(parked),
        engine.world.now(),
    )


def _owed_fields(resource: Resource, facts: _Facts) -> dict[str, Any]:
    if facts.record.deleted_at is not None or (facts.copy is not None and facts.copy.deleted):
        return {}
    return reconcile.owed(resource.pushed_fields, facts.record.fields, facts.copy or CrmCopy(""))


def _state(resource: Resource, facts: _Facts, owed: dict[str, Any]) -> str:
    record, what = facts.record, f"This {resource.singular}"
    if record.deleted_at is not None:
        return f"{what} was deleted{_by(facts, journal.DELETED)}."
    where = f" with {record.crm_id}" if record.crm_id else ""
    if record.status == "synced":
        return _synced(facts, what, where, owed)
    if record.status == "conflict":
        return f"{what} waits for a person: {_open_fields(facts)}."
    if record.status == "failed":
        return f"{what} could not be synced{where}: {record.error or 'the reason is not known.'}"
    return f"{what} has changes that the CRM has yet to hear of."


def _synced(facts: _Facts, what: str, where: str, owed: dict[str, Any]) -> str:
    if facts.record.crm_id is None:
        return f"{what} lives here only. {facts.record.error or ''}".strip()
    if _has_drifted(facts, owed):
        return f"{what} counts as in step{where}, and is not: {', '.join(sorted(owed))}."
    return f"{what} is in step{where}."


def _has_drifted(facts: _Facts, owed: dict[str, Any]) -> bool:
    """Tell whether the CRM lacks something that nobody is going to tell it: this was not the engine's doing."""
    return bool(owed) and facts.entry is None and facts.record.status in {"synced", "pending"}


def _open_fields(facts: _Facts) -> str:
    names = sorted({one["field"] or one["kind"] for one in facts.open})
    return f"{', '.join(names)} in conflict" if names else "a conflict"


def _owing(facts: _Facts, owed: dict[str, Any]) -> list[str]:
    entry, names = facts.entry, ", ".join(sorted(owed))
    if entry is None:
        return []
    what = f"The CRM has yet to hear of: {names}." if names else "What the CRM has heard of it is being found out."
    if facts.record.deleted_at is not None:
        what = "The CRM has yet to hear that it was deleted."
    sentences = [f"{what} Owed since {format_time(entry.owed_since)}."]
    if entry.lease_until is not None and entry.lease_until > facts.now:
        return [*sentences, "It is being pushed at this moment."]
    if entry.rounds:
        why = WHY.get(entry.reason or "", "the push had no outcome")
        often = "once" if entry.rounds == 1 else f"{entry.rounds} times"
        sentences.append(f"It was tried {often}; {why}. {facts.record.error or ''}".strip())
    when = "as soon as a worker is free" if entry.due_at <= facts.now else f"at {format_time(entry.due_at)}"
    return [*sentences, f"It is tried again {when}." if entry.rounds else f"It is pushed {when}."]


def _decided(facts: _Facts) -> list[str]:
    """Say what became of the last conflicts: the loser's value is in `decisions`."""
    said = []
    for one in facts.decisions[:3]:
        what = f"{one['field']}: both sides had changed it" if one["kind"] == "field" else one["note"] or one["kind"]
        if one["status"] == conflicts.OPEN:
            said.append(f"{what}; found {one['created_at']}, and open.")
        else:
            by = f"policy {one['policy']}" if one["resolved_by"] == "policy" else one["resolved_by"] or "the policy"
            said.append(f"{what}; resolved {one['resolved_at']} as {one['resolution']} by {by}.")
    return said


def _waiting(facts: _Facts) -> list[str]:
    if facts.parked == 1:
        return ["1 message of the CRM about it waits to be looked up."]
    return [f"{facts.parked} messages of the CRM about it wait to be looked up."] if facts.parked else []


def _field(resource: Resource, facts: _Facts, name: str, owed: dict[str, Any]) -> dict[str, Any]:
    copy, last = facts.copy, facts.set_by.get(name)
    return {
        "value": facts.record.fields[name],
        "set_by": None if last is None else last["by"],
        "set_at": None if last is None else last["at"],
        "run_id": None if last is None else last["run_id"],
        "crm": None if copy is None else copy.fields.get(name),
        "synced": name in resource.pushed_fields,
        "owed": name in owed,
        "held": copy is not None and name in copy.held,
    }


def _by(facts: _Facts, name: str) -> str:
    last = facts.set_by.get(name)
    return "" if last is None else f" {last['at']} by {BY.get(last['by'], last['by'])}"


def _entry(facts: _Facts, owed: dict[str, Any]) -> dict[str, Any] | None:
    entry = facts.entry
    if entry is None:
        return None
    return {
        "fields": sorted(owed),
        "since": format_time(entry.owed_since),
        "tries": entry.rounds,
        "next_try": format_time(entry.due_at),
        "reason": entry.reason,
        "under_way": entry.lease_until is not None and entry.lease_until > facts.now,
    }


def _advice(resource: Resource, facts: _Facts, owed: dict[str, Any]) -> str | None:
    record, here = facts.record, f"/{resource.name}/{facts.record.id}"
    if facts.open:
        return f"Decide: POST /sync/conflicts/{facts.open[0]['id']}/resolve with use crm, local or value."
    if record.status == "failed":
        return f"Mend what the CRM complains of by an edit, or try again: POST {here}/sync."
    if record.deleted_at is not None:
        return f"To have it back: POST {here}/restore."
    return _advice_on_sync(facts, here, owed)


def _advice_on_sync(facts: _Facts, here: str, owed: dict[str, Any]) -> str | None:
    if facts.record.crm_id is None and facts.entry is None:
        return f"To create it in the CRM: POST {here}/sync."
    if _has_drifted(facts, owed):
        return "See what differs, and have it healed: flask sync verify --repair."
    if facts.entry is not None and facts.entry.rounds:
        return f"Nothing, it is tried again by itself; to try now: POST {here}/sync."
    return None
