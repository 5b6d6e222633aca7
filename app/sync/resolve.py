"""What a person's choice does to a record: the engine's own steps, decided by somebody."""

from dataclasses import dataclass
from typing import Any, Literal

from app.core.errors import AlreadyDecided, Invalid, Taken
from app.core.kinds import parse_time
from app.core.record import CrmCopy, Record, Snapshot, Stamp
from app.core.schema import load
from app.store.conflicts import Known
from app.store.work import Work
from app.sync import tombstone
from app.sync.edits import set_fields
from app.sync.engine import Engine
from app.sync.incoming import Incoming, Source
from app.sync.owing import settle_status, waiting_fields
from app.sync.reconcile import NONE_OF_THEIRS


@dataclass(frozen=True)
class Choice:
    """Which side a person chose, or the `value` instead of both; `recreate` brings a deleted one back to the CRM."""

    use: Literal["crm", "local", "value"]
    value: Any = None
    recreate: bool = False


def resolve(work: Work, engine: Engine, known: Known, choice: Choice, by: str) -> None:
    """Do what was chosen. Raises Invalid, Taken and AlreadyDecided."""
    record = None if known.found.record_id is None else work.record(known.found.record_id)
    if record is None:
        raise AlreadyDecided("Its record is not there any more.")
    work.put_conflict(known.resolved(choice.use, by, engine.world.now()))
    if known.found.kind == "deleted":
        _deletion(work, engine, known, record, choice)
    elif known.found.crm_id != record.crm_id:
        _claim(work, engine, known, record, choice)
    else:
        _field(work, engine, known, record, choice)


def _field(work: Work, engine: Engine, known: Known, record: Record, choice: Choice) -> None:
    copy, name = work.copy(record.id), known.found.field
    if copy is None or name is None or name not in copy.held:
        raise AlreadyDecided("The field does not wait for anybody any more.")
    value = _value(work, record, copy, name, choice)
    copy.held = [one for one in copy.held if one != name]
    copy.same_as.pop(name, None)
    work.copies.put(record.id, copy)
    set_fields(work, engine, record, {name: value}, "resolution")


def _value(work: Work, record: Record, copy: CrmCopy, name: str, choice: Choice) -> Any:
    if choice.use == "local":
        return record.fields[name]
    value = copy.fields.get(name)
    if choice.use == "value":
        value = load(work.resource.partial, {name: choice.value})[name]
    if name in work.resource.unique_fields:
        other = work.holder(name, value)
        if other is not None and other.id != record.id:
            raise Taken(f"Another {work.resource.singular} has this {name}.", errors={name: ["Is taken."]})
    return value


def _claim(work: Work, engine: Engine, known: Known, record: Record, choice: Choice) -> None:
    """Two CRM records claim one of ours: the link stays, or moves to the one that claims it."""
    if choice.use == "value":
        raise Invalid("Two records claim one: choose 'crm' (the link moves) or 'local' (it stays).")
    if choice.use == "crm":
        if work.linked(known.found.crm_id) is not None:
            raise Taken(f"{known.found.crm_id} is linked with another {work.resource.singular}.")
        old = work.copy(record.id)
        former = [] if old is None else tombstone.links(old)
        work.copies.put(record.id, CrmCopy(known.found.crm_id, version=NONE_OF_THEIRS, former=former))
        work.outbox.remove(record.id)
        record.crm_id, record.status, record.error = known.found.crm_id, "conflict", None
        work.ask(f"ask-{engine.world.new_id()}", known.found.crm_id)
    settle_status(work, record, work.copy(record.id), engine.world.now())
    work.save(record)


def _deletion(work: Work, engine: Engine, known: Known, record: Record, choice: Choice) -> None:
    """A deletion that a person was asked about: done, or the record stays, here alone or in the CRM again."""
    if choice.use == "value":
        raise Invalid("A deletion is done ('crm') or refused ('local').")
    told = known.found.crm if isinstance(known.found.crm, dict) else {}
    stamp = Stamp(told.get("version"), parse_time(told.get("at")))
    snapshot = Snapshot(known.found.crm_id, {}, stamp, deleted=True, merged_into=told.get("merged_into"))
    this = Incoming(work, engine, snapshot, Source("resolution", known.run_id))
    copy = work.copy(record.id) or CrmCopy(known.found.crm_id)
    copy.held = waiting_fields(work, record, copy)
    if choice.use == "crm":
        if tombstone.bury(this, record, copy).outcome == "ask":
            _look_again(work, engine, known, record, copy)
    elif choice.recreate:
        tombstone.begin_anew(this, record, copy)
    else:
        tombstone.unlink(this, record, copy, tombstone.REFUSED)


def _look_again(work: Work, engine: Engine, known: Known, record: Record, copy: CrmCopy) -> None:
    """There is newer news of it than its deletion: the CRM has to say whether it lives after all."""
    work.copies.put(record.id, copy)
    work.ask(f"ask-{known.id}", known.found.crm_id)
    settle_status(work, record, copy, engine.world.now())
    work.save(record)
