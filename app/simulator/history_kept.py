"""Invariants about what was done: writes, journal, overwritten edits, deletions."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from app.core.db import reading
from app.core.record import Record
from app.simulator.crm import Write
from app.simulator.ledger import ALL, PEOPLE, restored_by
from app.simulator.view import NEWS, Entries, View
from app.store import conflicts, crm_changes, journal
from app.sync import deletions

UNASKED = frozenset({"pull", "webhook"})


def acknowledged(view: View) -> Iterator[str]:
    known = {record.id for record in view.everybody}
    for record_id, name, value in view.book.acknowledged:
        if record_id not in known:
            yield f"{record_id} was acknowledged and is not there"
            continue
        held = [one[side] for one in view.journals[record_id] if one["field"] == name for side in ("from", "to")]
        if value is not None and value not in held:
            yield f"{record_id}.{name} = {value!r} was acknowledged and is not in the journal"
    for record_id, version, fields in view.book.answers:
        kept = _at(view.journals[record_id], version)
        wrong = {name: value for name, value in fields.items() if kept is None or kept.get(name) != value}
        if wrong:
            yield f"{record_id} was shown at version {version} with {wrong}, and its journal has {kept}"


def _at(entries: Entries, version: int) -> dict[str, Any] | None:
    """Return what a record was at a version, by its journal, the newest entry first; None when it was never there."""
    fields = {entry["field"]: entry["to"] for entry in reversed(entries) if entry["version"] <= version}
    return fields if any(entry["version"] == version for entry in entries) else None


def replayed(view: View) -> Iterator[str]:
    for record in view.everybody:
        yield from contradictions(view.journals[record.id], record)


def contradictions(entries: Entries, record: Record) -> Iterator[str]:
    """Yield where a journal, the newest entry first, does not lead to its record."""
    fields: dict[str, Any] = {}
    versions = sorted({entry["version"] for entry in entries})
    if versions != list(range(1, record.version + 1)):
        yield f"{record.id} is at version {record.version}; its journal has {versions}"
    for entry in reversed(entries):
        if entry["field"] in record.fields:
            if fields.get(entry["field"]) != entry["from"]:
                yield f"{record.id}.{entry['field']}: the journal does not follow from itself"
            fields[entry["field"]] = entry["to"]
    if any(fields.get(name) != value for name, value in record.fields.items()):
        yield f"{record.id} is not what its journal says"


def risen(view: View) -> Iterator[str]:
    live = {record.id for record in view.live}
    for record_id in view.book.tombstones:
        if record_id in live and restored_by(view.resource, record_id) not in PEOPLE:
            yield f"{record_id} was deleted and lives"


def overwritten_unseen(view: View) -> Iterator[str]:
    """Go through all writes to the CRM: one of ours over one of the staff's must have known of that.

    A CRM without versions cannot be told what a push knew of: there it may happen.
    """
    if not view.crm.habits.versions:
        return
    theirs: dict[tuple[str, str], Any] = {}
    for write in view.writes:
        for name, value in write.changed.items():
            unseen = theirs.pop((write.crm_id, name), None)
            if write.who == "staff" and write.event == "updated":
                theirs[write.crm_id, name] = value
                continue
            is_lost = write.who == "service" and unseen not in (None, value) and write.before.get(name) == unseen
            if is_lost and not _known(view, write, name, unseen):
                yield f"{write.crm_id}.{name} = {unseen!r} was overwritten unseen"


def _known(view: View, write: Write, name: str, value: Any) -> bool:
    about = {"resource": view.resource.name, "crm_id": write.crm_id, "field": name}
    with reading() as connection:
        found = conflicts.listing(connection, about, ALL, 0)
        if any(value in (one["crm"], one["last_told"]) for one in found):
            return True
        if crm_changes.knew(connection, view.resource.name, write.crm_id, name, value):
            return True
    ours = [record for record in view.everybody if write.crm_id in view.ids_of(record)]
    entries = [one for record in ours for one in view.journals[record.id]]
    return any(one["field"] == name and value in (one["from"], one["to"]) for one in entries)


def without_cause(view: View) -> Iterator[str]:
    """Compare how often each value came in with how often somebody else than we wrote it there.

    A CRM that makes something else of what it is sent, or nothing, answers pushes with values that nobody wrote.
    """
    habits = view.crm.habits
    plain = not habits.mangles and not habits.drops
    for record in view.everybody:
        ids, taken = view.ids_of(record), Counter[tuple[str, Any]]()
        for entry in view.journals[record.id]:
            if entry["by"] in (NEWS if plain else UNASKED) and entry["field"] in view.resource.pushed_fields:
                taken[entry["field"], frozen(entry["to"])] += 1
        written = Counter(
            one for write in view.writes if write.crm_id in ids and _is_news(view, write)
            for one in {(name, frozen(value)) for side in (write.before, write.changed) for name, value in side.items()}
        )  # fmt: skip
        for (name, value), count in taken.items():
            if value is not None and count > written[name, value]:
                wrote = written[name, value]
                yield f"{record.id}.{name} = {value!r} came in {count} times, and was written {wrote} times"


def frozen(value: Any) -> Any:
    """Return a value as it can be counted."""
    return json.dumps(value, sort_keys=True) if isinstance(value, list | dict) else value


def _is_news(view: View, write: Write) -> bool:
    """What we wrote is none, unless the CRM made something else of it."""
    return write.who == "staff" or bool(view.stage.setting.habits.mangles)


def mass_deletion(view: View) -> Iterator[str]:
    """Count what each pull buried. At most so many records lived as there ever were."""
    most = max(deletions.ALWAYS, len(view.everybody) // deletions.SHARE)
    buried: Counter[str] = Counter()
    for entries in view.journals.values():
        for entry in entries:
            if entry["field"] == journal.DELETED and entry["to"] and entry["by"] == "pull" and entry["run_id"]:
                buried[entry["run_id"]] += 1
    for run_id, count in buried.items():
        if count > most:
            yield f"run {run_id} deleted {count} of {len(view.everybody)} records"
