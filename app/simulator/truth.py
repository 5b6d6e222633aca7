"""What must hold: noted while a history is played, and checked when nothing moves any more."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from app.core.db import reading
from app.core.record import CrmCopy, Record
from app.core.resource import Resource
from app.services import status, verifying
from app.store import conflicts, crm_changes, crm_copies, inbox, journal, outbox, records

if TYPE_CHECKING:
    from app.simulator.stage import Stage

ALL = 100_000
SERVER_ERROR, CREATED, OK, UNAUTHORIZED, NOT_NOW = 500, 201, 300, 401, 503


class Violation(Exception):
    """Something that must hold does not."""


class Truth:
    """What callers were told, and what follows from it."""

    def __init__(self) -> None:
        self.tombstones: list[str] = []
        self.acknowledged: list[tuple[str, str, Any]] = []
        self.errors: list[str] = []

    # ── while it is played ───────────────────────────────────────────────────────────────────────────────────────

    def ids(self, *, deleted: bool) -> list[str]:
        return self.tombstones if deleted else self.known

    known: list[str]

    def answered(self, code: int) -> None:
        if code >= SERVER_ERROR and code != NOT_NOW:
            self.errors.append(f"the service answered {code}")

    def created(self, code: int, body: dict[str, Any], fields: dict[str, Any]) -> None:
        self.answered(code)
        if code == CREATED:
            self.acknowledged += [(body["id"], name, value) for name, value in fields.items()]

    def edited(self, code: int, record_id: str, fields: dict[str, Any]) -> None:
        self.answered(code)
        if code < OK:
            self.acknowledged += [(record_id, name, value) for name, value in fields.items()]

    def deleted_here(self, code: int, record_id: str) -> None:
        self.answered(code)
        if code < OK:
            self.tombstones.append(record_id)

    def undone(self, record_id: str) -> None:
        self.tombstones = [one for one in self.tombstones if one != record_id]

    def forged(self, code: int) -> None:
        if code != UNAUTHORIZED:
            self.errors.append(f"a forged webhook was answered {code}")

    def look(self, resource: Resource) -> None:
        """Note which records live."""
        with reading() as connection:
            self.known = [record.id for record in records.live(connection, resource, "", ALL)]

    def owes(self, resource: Resource) -> bool:
        with reading() as connection:
            owed, _ = outbox.backlog(connection, resource.name)
            waiting, _ = inbox.count_parked(connection, resource.name)
            return bool(owed or waiting or inbox.count_held(connection, resource.name))

    # ── at the end ───────────────────────────────────────────────────────────────────────────────────────────────

    def check(self, stage: "Stage") -> None:
        """Raises Violation for the first thing that does not hold."""
        for complaint in self._complaints(stage):
            raise Violation(complaint)

    def _complaints(self, stage: "Stage") -> Iterator[str]:
        yield from self.errors
        resource = stage.resource
        with reading() as connection:
            live = records.live(connection, resource, "", ALL)
            copies = crm_copies.get_many(connection, resource, [one.id for one in live])
            open_now = conflicts.listing(connection, {"status": "open", "resource": resource.name}, ALL, 0)
            owed, _ = outbox.backlog(connection, resource.name)
        if owed:
            yield f"{owed} records are owed for ever: {status.status(stage.engine)['resources']}"
        disputed = {one["record_id"] for one in open_now} | {one["crm_id"] for one in open_now}
        yield from self._in_step(stage, live, copies, disputed)
        yield from self._one_to_one(stage, live, disputed)
        yield from self._kept(stage, live)
        yield from self._seen(stage)
        yield from self._quiet(stage)

    def _in_step(
        self, stage: "Stage", live: list[Record], copies: dict[str, CrmCopy], disputed: set[Any]
    ) -> Iterator[str]:
        for record in live:
            copy = copies.get(record.id)
            if record.id in disputed or (copy is not None and copy.deleted):
                continue
            row = stage.crm.rows.get(record.crm_id or "")
            if row is None or row.deleted or copy is None:
                yield f"{record.id} ({record.status}) has no live counterpart: {record.crm_id}, {record.error}"
                continue
            for name in stage.resource.pushed_fields:
                here, there = record.fields[name], row.fields.get(name)
                if here != there and copy.same_as.get(name) != here:
                    yield f"{record.id}.{name} is {here!r} here and {there!r} in the CRM"
            if record.status != "synced":
                yield f"{record.id} is {record.status}: {record.error}"

    def _one_to_one(self, stage: "Stage", live: list[Record], disputed: set[Any]) -> Iterator[str]:
        links = {record.crm_id for record in live}
        names: dict[str, int] = {}
        for row in stage.crm.live():
            if row.external_id is not None:
                names[row.external_id] = names.get(row.external_id, 0) + 1
            is_ours = row.crm_id in links or row.crm_id in disputed
            if not is_ours and stage.setting.has_feed and not self._left_alone(stage, row.crm_id):
                yield f"{row.crm_id} lives in the CRM and not here"
        for external_id, count in names.items():
            if count > 1:
                yield f"{external_id} has {count} records in the CRM"

    def _left_alone(self, stage: "Stage", crm_id: str) -> bool:
        """Tell whether a CRM record was left out on purpose: parted with, or of no use here."""
        with reading() as connection:
            about = conflicts.listing(connection, {"crm_id": crm_id}, 10, 0)
            versions = crm_copies.versions(connection, stage.resource, [crm_id])
        return bool(about) or versions.get(crm_id, (None, False))[1]

    def _kept(self, stage: "Stage", live: list[Record]) -> Iterator[str]:
        alive = {record.id: record for record in live}
        for record_id in self.tombstones:
            if record_id in alive:
                yield f"{record_id} was deleted and lives"
        with reading() as connection:
            for record_id, name, value in self.acknowledged:
                entries = journal.of(connection, stage.resource.name, record_id, ALL)
                if not any(one["field"] == name and value in (one["to"], one["from"]) for one in entries):
                    is_empty = value is None
                    if not is_empty:
                        yield f"{record_id}.{name} = {value!r} was acknowledged and is not in the journal"
            for record in live:
                yield from self._replayed(journal.of(connection, stage.resource.name, record.id, ALL), record)

    @staticmethod
    def _replayed(entries: list[dict[str, Any]], record: Record) -> Iterator[str]:
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

    def _seen(self, stage: "Stage") -> Iterator[str]:
        """No edit of the CRM's staff may be overwritten by a push of ours that did not know of it."""
        theirs: dict[tuple[str, str], Any] = {}
        for who, event, crm_id, before, written in stage.crm.writes:
            for name, value in written.items():
                unseen = theirs.pop((crm_id, name), None)
                if who == "staff" and event == "updated":
                    theirs[crm_id, name] = value
                    continue
                is_lost = who == "service" and unseen not in (None, value) and before.get(name) == unseen
                if is_lost and not self._known(stage, crm_id, name, unseen):
                    yield f"{crm_id}.{name} = {unseen!r} was overwritten unseen"

    @staticmethod
    def _known(stage: "Stage", crm_id: str, name: str, value: Any) -> bool:
        with reading() as connection:
            found = conflicts.listing(connection, {"crm_id": crm_id, "field": name}, ALL, 0)
            if any(value in (one["crm"], one["last_told"]) for one in found):
                return True
            if crm_changes.knew(connection, stage.resource.name, crm_id, name, value):
                return True
            ids = [stage.crm.rows[crm_id].external_id or ""]
            for record in records.find(connection, stage.resource, ids=ids, crm_ids=[crm_id]):
                entries = journal.of(connection, stage.resource.name, record.id, ALL)
                if any(one["field"] == name and value in (one["from"], one["to"]) for one in entries):
                    return True
        return False

    @staticmethod
    def _quiet(stage: "Stage") -> Iterator[str]:
        before = len(stage.crm.writes)
        stage.heal()
        if len(stage.crm.writes) != before:
            yield f"it is not quiet: {stage.crm.writes[before:]}"
        with stage.app.app_context():
            found = verifying.verify(stage.engine, list(stage.engine.registry), repair=False, by="test")
        if found["unexplained"]:
            yield f"verify finds {found['differences'][:3]}"
