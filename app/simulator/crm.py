"""One resource of the simulated CRM, as it is when it is well: its records, feed and webhooks, in plain values."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, unquote

from app.core.kinds import format_time
from app.crm.line import Answer, Call
from app.simulator.clock import Clock
from app.simulator.habits import Habits

TOKEN = "/crm/token"  # noqa: S105
LACKING = {"error": "lacks_a_parent"}
PAGE = 3
"""Records a page: small, so that pages matter."""


@dataclass(frozen=True)
class Row:
    """A record of the CRM."""

    crm_id: str
    external_id: str | None
    version: int
    updated_at: str
    fields: dict[str, Any]
    deleted: bool = False
    merged_into: str | None = None

    has_version: bool = True

    def shown(self) -> dict[str, Any]:
        about = {"crm_id": self.crm_id, "external_id": self.external_id}
        version = {"version": self.version} if self.has_version else {}
        merged = {} if self.merged_into is None else {"merged_into": self.merged_into}
        return {**about, **version, "updated_at": self.updated_at, "deleted": self.deleted, **merged, **self.fields}


@dataclass(frozen=True)
class Write:
    """One change of a record: who made it (`staff` or `service`), what was there before, what is stored now."""

    who: str
    event: str
    crm_id: str
    before: dict[str, Any]
    changed: dict[str, Any]
    resource: str = ""


@dataclass
class SimulatedCrm:
    """Answers calls, remembers every write, and tells `heard` of every change, for the webhooks."""

    clock: Clock
    resource: str
    habits: Habits = field(default_factory=Habits)
    rows: dict[str, Row] = field(default_factory=dict)
    feed: list[str] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)
    """Where each record stands in the feed: the number of its last write."""
    answers: dict[str, tuple[str, Answer]] = field(default_factory=dict)
    writes: list[Write] = field(default_factory=list)
    """All writes to the CRM, in order, whichever resource they are of."""
    heard: Callable[[dict[str, Any]], None] = lambda _: None
    as_is: frozenset[str] = frozenset()
    """Fields whose values it takes as they are, whatever its habits."""
    needs: frozenset[str] = frozenset()
    """Fields without which it makes no record: what a record cannot be without belonging to."""
    tokens: int = 0
    unlisted: str | None = None
    """A record whose last write the feed does not show yet."""
    unfound: str | None = None
    """A record that the look-up does not find yet."""

    # ── what its staff does ──────────────────────────────────────────────────────────────────────────────────────

    def live(self) -> list[Row]:
        return [row for row in self.rows.values() if not row.deleted]

    def create(self, fields: dict[str, Any], who: str = "staff", external_id: str | None = None) -> Row:
        row = Row(f"C{len(self.rows) + 1}", external_id, 1, self._now(), fields, has_version=self.habits.versions)
        self._store(row, "created", fields, who, {})
        return row

    def edit(self, crm_id: str, fields: dict[str, Any], who: str = "staff") -> Row:
        row = self.rows[crm_id]
        changed = {name: value for name, value in fields.items() if row.fields.get(name) != value}
        if changed:
            newer = replace(row, version=row.version + 1, updated_at=self._now(), fields=row.fields | changed)
            self._store(newer, "updated", changed, who, row.fields)
        return self.rows[crm_id]

    def delete(self, crm_id: str, who: str = "staff", merged_into: str | None = None) -> None:
        row = self.rows[crm_id]
        gone = replace(row, version=row.version + 1, updated_at=self._now(), deleted=True, merged_into=merged_into)
        self._store(gone, "deleted", {}, who, row.fields)

    def _store(self, row: Row, event: str, changed: dict[str, Any], who: str, before: dict[str, Any]) -> None:
        self.rows[row.crm_id] = row
        if row.crm_id in self.feed:
            self.feed.remove(row.crm_id)
        self.feed.append(row.crm_id)
        self.places[row.crm_id] = len(self.writes) + 1
        self.writes.append(Write(who, event, row.crm_id, dict(before), dict(changed), self.resource))
        self._be_late(row.crm_id)
        merged = {} if row.merged_into is None else {"merged_into": row.merged_into}
        about = {"crm_id": row.crm_id, "resource": self.resource, "event": event, "external_id": row.external_id}
        about |= merged
        is_plain = self.habits.plain_letters or not self.habits.versions
        version = {} if is_plain else {"version": row.version}
        self.heard({**about, "updated_fields": changed, "timestamp": row.updated_at, **version})

    def _be_late(self, crm_id: str) -> None:
        """Let the write before this one be listed after it, and this one be found after the next."""
        before = self.feed[-2] if len(self.feed) > 1 else None
        is_late = self.habits.lists_late and len(self.writes) % 3 == 0
        self.unlisted = before if is_late else None
        self.unfound = crm_id if self.habits.finds_late else None

    def _now(self) -> str:
        moment = self.clock.true_now()
        return format_time(moment.replace(microsecond=0) if self.habits.coarse else moment) or ""

    # ── what the service asks ────────────────────────────────────────────────────────────────────────────────────

    def answer(self, call: Call) -> Answer:
        """Answer one call as a CRM that is well."""
        if call.path == TOKEN:
            self.tokens += 1
            return _json(
                200, {"access_token": f"t{self.tokens}", "token_type": "Bearer", "expires_in": self.habits.lifetime}
            )
        key = call.headers.get("Idempotency-Key")
        if key is not None and self.habits.keeps_keys and key in self.answers:
            body, earlier = self.answers[key]
            return earlier if body == call.body.decode() else _json(422, {"error": "key_reused"})
        answer = self._routed(call)
        if key is not None and answer.status < 300:  # noqa: PLR2004
            self.answers[key] = (call.body.decode(), answer)
        return answer

    def _routed(self, call: Call) -> Answer:
        parts = [unquote(part) for part in call.path.split("/")[3:]]
        body = json.loads(call.body) if call.body else {}
        if not parts:
            return self._list(call) if call.method == "GET" else self._post(body)
        if parts == ["batch"]:
            return self._batch(body) if self.habits.has_batches else _json(404, {"error": "not_found"})
        row = self.rows.get(parts[0])
        if row is None or row.deleted:
            merged = None if row is None else row.merged_into
            return _json(404, {"error": "not_found", "merged_into": merged})
        return self._one(call, row, body)

    def _one(self, call: Call, row: Row, body: dict[str, Any]) -> Answer:
        expected = call.headers.get("If-Match")
        if call.method != "GET" and expected is not None and expected.strip('"') != str(row.version):
            return _json(412, {"error": "version_mismatch", "version": row.version})
        if call.method == "GET":
            return _json(200, row.shown())
        if call.method == "DELETE":
            self.delete(row.crm_id, "service")
            return Answer(204)
        if self._lacks(body):
            return _json(422, LACKING)
        return _json(200, self.edit(row.crm_id, self._stored(body), "service").shown())

    def _stored(self, body: dict[str, Any]) -> dict[str, Any]:
        return self.habits.stored(body, self.as_is)

    def _lacks(self, body: dict[str, Any]) -> bool:
        return any(name in body and body[name] is None for name in self.needs)

    def _post(self, body: dict[str, Any]) -> Answer:
        if self._lacks(body):
            return _json(422, LACKING)
        external_id = body.pop("external_id", None)
        return _json(201, self.create(self._stored(body), "service", external_id).shown())

    def _batch(self, body: dict[str, Any]) -> Answer:
        return _json(200, {"results": [self._item(dict(item)) for item in body["items"]]})

    def _item(self, item: dict[str, Any]) -> dict[str, Any]:
        expected, crm_id, external_id = (item.pop(name, None) for name in ("if_version", "crm_id", "external_id"))
        same = [row for row in self.live() if row.external_id == external_id] if external_id else []
        row = self.rows.get(crm_id) if crm_id else next(iter(same), None)
        if crm_id and (row is None or row.deleted):
            return {"status": 404, "crm_id": crm_id, "error": "not_found"}
        if self._lacks(item):
            return {"status": 422, **LACKING}
        if row is None:
            return _result(201, self.create(self._stored(item), "service", external_id))
        if expected is not None and expected != row.version:
            about = {"crm_id": row.crm_id, "external_id": row.external_id}
            return {"status": 412, **about, "error": "version_mismatch", "version": row.version}
        return _result(200, self.edit(row.crm_id, self._stored(item), "service"))

    def _list(self, call: Call) -> Answer:
        asked = {name: values[0] for name, values in parse_qs(call.query, keep_blank_values=True).items()}
        if "external_id" in asked:
            if not self.habits.looks_up:
                return _json(400, {"error": "unknown_parameter"})
            same = [row for row in self.live() if row.external_id == asked["external_id"]]
            found = [row.shown() for row in same if row.crm_id != self.unfound]
            return _json(200, {"items": found, "next_cursor": None, "has_more": False})
        if not self.habits.has_feed:
            return _json(405, {"error": "method_not_allowed"})
        return self._feed(asked.get("updated_since", ""))

    def _feed(self, cursor: str) -> Answer:
        """Show what was written after the one that the cursor names; a cursor is good for ever."""
        seen = int(cursor.removeprefix("after:") or 0)
        hidden, self.unlisted = self.unlisted, None
        later = sorted((self.places[one], one) for one in self.feed if self.places[one] > seen and one != hidden)
        shown = later[:PAGE]
        last = f"after:{shown[-1][0]}" if shown else cursor
        items = [self.rows[one].shown() for _, one in shown]
        return _json(200, {"items": items, "next_cursor": last or None, "has_more": len(later) > len(shown)})


def _result(status: int, row: Row) -> dict[str, Any]:
    """Return what became of an item; its fields stand apart where one has the name of the outcome."""
    if "status" not in row.fields:
        return {"status": status, **row.shown()}
    about = {name: value for name, value in row.shown().items() if name not in row.fields}
    return {**about, "status": status, "fields": row.fields}


def _json(status: int, body: dict[str, Any]) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json"})
