"""Invariants about references: who is named here is named there, and no record goes to the CRM before its parents."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from app.core.db import reading
from app.core.record import Fields, Record
from app.core.resource import Resource
from app.crm.line import Call
from app.simulator.ledger import ALL
from app.simulator.view import View
from app.store import journal, outbox, records
from app.store.outbox import Owed

if TYPE_CHECKING:
    from app.simulator.stage import Stage


def agree(view: View, record: Record, name: str, there: str | None) -> bool:
    """Tell whether a reference leads to the same record on both sides; who is no more in the CRM is nobody there."""
    target = view.others.get(view.resource.references[name].target(record.fields) or "")
    here = record.fields[name]
    row = None if target is None or there is None else target.crm.rows.get(there)
    is_nobody = row is None or row.deleted
    if here is None or target is None or (is_nobody and view.resource.fields[name].required):
        return is_nobody
    parent = next((one for one in target.everybody if one.id == here), None)
    if parent is None:
        return False
    # Who has lost a counterpart is named by it as long as nobody writes the reference anew.
    return there == parent.crm_id or (is_nobody and (there is None or there in target.ids_of(parent)))


def is_orphan(view: View, record: Record) -> bool:
    """Tell whether a record must name somebody whom the CRM has not, so that it cannot be written there."""
    for name, kind in view.resource.references.items():
        target = view.others.get(kind.target(record.fields) or "")
        parent = target and next((one for one in target.everybody if one.id == record.fields[name]), None)
        row = target.crm.rows.get(parent.crm_id or "") if target and isinstance(parent, Record) else None
        if view.resource.fields[name].required and (row is None or row.deleted):
            return True
    return False


def named(view: View) -> Iterator[str]:
    for record in view.live:
        row = view.crm.rows.get(record.crm_id or "")
        for name, kind in view.resource.references.items():
            target = view.others.get(kind.target(record.fields) or "")
            if target is None or row is None or row.deleted or view.kept_apart(record):
                continue
            field = view.resource.fields[name]
            there = row.fields.get(field.crm or name)
            if field.required and (there not in target.crm.rows or target.crm.rows[there].deleted):
                continue  # there is nothing that ours could name in its place
            for parent in target.live:
                if parent.id == record.fields[name] and not _is_named(target, parent, there):
                    yield f"{record.id}.{name} is {parent.id}, {parent.crm_id} in the CRM, where {there} is named"


def _is_named(target: View, parent: Record, there: str | None) -> bool:
    return there == parent.crm_id or target.kept_apart(parent)


def look(stage: "Stage") -> None:
    """Look between two steps for records that wait for one which the CRM has by now."""
    waiting: list[tuple[Resource, Owed]] = []
    with reading() as connection:
        for resource in stage.registry.values():
            some = outbox.of_resource(connection, resource.name, "", ALL) if resource.references else []
            waiting += [(resource, one) for one in some if one.waits_for is not None]
        for resource, owed in waiting:
            for name in sorted(resource.parents & stage.registry.keys()):
                parent = records.get(connection, stage.registry[name], owed.waits_for or "")
                if parent is not None and parent.crm_id is not None:
                    stage.ledger.breach("forgotten", f"{owed.record_id} waits for {parent.id}, which the CRM has")


def watch(stage: "Stage", call: Call) -> None:
    """Look at a call before it is carried: a create must not name nobody where our record names a live parent."""
    if call.method != "POST":
        return
    resource = next((one for one in stage.registry.values() if call.path.startswith(f"{one.crm_path}")), None)
    if resource is None or not resource.references or not call.body:
        return
    body = json.loads(call.body)
    for item in body.get("items", [body]):
        if item.get("crm_id") is None and item.get("external_id"):
            _watch_one(stage, resource, item)


def _watch_one(stage: "Stage", resource: Resource, item: Fields) -> None:
    with reading() as connection:
        owed = outbox.get(connection, resource.name, item["external_id"])
    meant: Any = {} if owed is None or owed.creating is None else owed.creating["fields"]
    for name, kind in resource.references.items():
        parent = stage.registry.get(kind.target(meant) or "")
        is_nobody = item.get(resource.fields[name].crm or name) is None
        whom = meant.get(name)
        if is_nobody and parent is not None and whom is not None and _always_lived(parent, whom):
            stage.ledger.breach("parents first", f"{item['external_id']} was created without its {name}")


def _always_lived(resource: Resource, record_id: str) -> bool:
    """Tell whether a record lives and never did anything else; one that lost its counterpart is no parent there."""
    with reading() as connection:
        found = records.get(connection, resource, record_id)
        entries = journal.of(connection, resource.name, record_id, ALL)
    # Who is in step and has no counterpart is kept apart, for good.
    is_there = found is not None and found.deleted_at is None and (found.crm_id is not None or found.status != "synced")
    return is_there and all(one["field"] != journal.DELETED for one in entries)
