"""What must hold after a crash: right after the restart, and when the service has recovered."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from app.core.db import db, reading
from app.services import status
from app.simulator.history_kept import contradictions
from app.store import conflicts, inbox, journal, outbox, records, runs
from tests.support.crash_stage import Stage
from tests.support.decisions import live_here
from tests.support.drift import look
from tests.support.users import FIELDS, fields_of

ALL = 10_000
Acknowledged = list[tuple[str, dict[str, Any]]]


def acknowledged(said: Sequence[Any]) -> Acknowledged:
    """Return which fields of which record a process has acknowledged."""
    return [(about[0], about[1]) for kind, *about in said if kind == "acknowledged"]


def at_once(stage: Stage, told: Acknowledged) -> Iterator[str]:
    """What must hold before anything is mended: it is ready, the file is whole, nothing acknowledged is missing."""
    answer = stage.client.get("/readyz")
    if answer.status_code != 200:
        yield f"K1: it is not ready: {answer.text}"
    yield from _sound()
    yield from _kept(stage, told)


def whole(stage: Stage) -> Iterator[str]:
    """Each record is what its journal says, and owes something while it is pending: none is there by half."""
    for record in everything(stage):
        yield from contradictions(_journal(record.id), record)
        if record.status == "pending" and not _is_owed(record.id):
            yield f"{record.id} is pending and owes nothing"


def in_the_end(stage: Stage, told: Acknowledged) -> Iterator[str]:
    """What must hold when the service has recovered and nothing moves any more."""
    yield from _sound()
    yield from _kept(stage, told)
    yield from whole(stage)
    yield from _in_step(stage)
    yield from _idle(stage)
    before = stage.crm.everything()
    stage.recover()
    if stage.crm.everything() != before:
        yield "it is not quiet: another round has written to the CRM"


def everything(stage: Stage) -> list[Any]:
    """Return all records, tombstones too."""
    resource = stage.engine.registry["users"]
    with reading() as connection:
        ids = [row.id for row in connection.execute(resource.table.select())]
        return records.find(connection, resource, ids=ids) if ids else []


def _sound() -> Iterator[str]:
    if db.engine.dialect.name != "sqlite":
        return  # PostgreSQL has no such question, and a dead client is none of its files' business
    with reading() as connection:
        found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if found != ["ok"] or broken:
        yield f"K2: integrity_check says {found}, foreign_key_check {broken}"


def _kept(stage: Stage, told: Acknowledged) -> Iterator[str]:
    known = {record.id: record for record in everything(stage)}
    for record_id, fields in told:
        record, entries = known.get(record_id), _journal(record_id)
        for name, value in fields.items():
            was_set = any(one["field"] == name and value == one["to"] for one in entries)
            if record is None or not (was_set or (value is None and record.version == 1)):
                yield f"K3: {record_id}.{name} = {value!r} was acknowledged and is not there"


def _in_step(stage: Stage) -> Iterator[str]:
    apart = _parted(stage)
    here = {one.id: one for one in live_here(stage.engine).values() if one.crm_id or one.id not in apart}
    there = [one for one in stage.crm.all() if one["crm_id"] not in apart]
    for record in here.values():
        if record.status != "synced":
            yield f"K4: {record.id} is {record.status}: {record.error}"
    ours = sorted(repr((one.crm_id, [one.fields[name] for name in FIELDS])) for one in here.values())
    theirs = sorted(repr((one["crm_id"], [one[name] for name in FIELDS])) for one in there)
    if ours != theirs:
        yield f"K4: here is {ours}, in the CRM {theirs}"
    names = Counter(one["external_id"] for one in there if one["external_id"] is not None)
    for record_id, count in names.items():
        if count > 1 or record_id not in here:
            yield f"K5: {record_id} has {count} records in the CRM"


def _parted(stage: Stage) -> set[str]:
    """Return the records, here and there, that were parted on purpose: a rollback leaves some alone on their side."""
    copies = db.metadata.tables["crm_copies"]
    with reading() as connection:
        rows = connection.execute(copies.select().where(copies.c.deleted == 1)).all()
    return {name for row in rows for name in (row.record_id, row.crm_id)}


def _idle(stage: Stage) -> Iterator[str]:
    now = stage.clock.now()
    with reading() as connection:
        waiting = (outbox.backlog(connection, "users")[0], inbox.count_parked(connection, "users")[0],
                   inbox.count_held(connection, "users"))  # fmt: skip
        is_leased = runs.is_leased(connection, "run:users", now)
        lying = [one for one in runs.latest(connection, ALL) if one["status"] == runs.RUNNING]
        silent = [one for one in runs.latest(connection, ALL) if one["status"] == "failed" and not one["error"]]
    if any(waiting):
        yield f"owed, parked and held for ever: {waiting}: {status.status(stage.engine)['resources']}"
    if is_leased or lying or silent:
        yield f"a run never ended, or without a reason: leased {is_leased}, {lying}, {silent}"
    found = look(stage.engine)
    if found["unexplained"]:
        yield f"verify finds {found['differences']}"


def _is_owed(record_id: str) -> bool:
    with reading() as connection:
        return outbox.get(connection, "users", record_id) is not None


def _journal(record_id: str) -> list[dict[str, Any]]:
    with reading() as connection:
        return journal.of(connection, "users", record_id, ALL)


def outcome(stage: Stage) -> dict[str, Any]:
    """Return what has come of it all, without ids and moments: the same, whenever the process was killed."""
    names = {record.id: record.fields["email"] for record in everything(stage)}
    with reading() as connection:
        told = connection.execute(db.metadata.tables["crm_changes"].select()).all()
        found = conflicts.listing(connection, {}, ALL, 0)
    return {
        "here": _sorted([*one.fields.values(), one.version, one.deleted_at is not None] for one in everything(stage)),
        "journal": _sorted(
            [names[record.id], one["version"], one["field"], one["from"], one["to"]]
            for record in everything(stage)
            for one in _journal(record.id)
        ),
        "there": _sorted([*fields_of(one).values(), one["version"], one["deleted"]] for one in stage.crm.everything()),
        "told": _sorted([names[one.record_id], one.action, sorted(one.changes.items())] for one in told),
        "conflicts": _sorted([one["kind"], one["field"], one["local"], one["crm"], one["resolution"]] for one in found),
    }


def _sorted(lists: Iterable[list[Any]]) -> list[list[Any]]:
    return sorted(lists, key=repr)
