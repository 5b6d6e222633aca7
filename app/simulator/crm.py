"""The CRM of the simulation, as it is when it is well: its records, its feed and its webhooks, in plain values."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, unquote

from app.core.kinds import format_time
from app.crm.line import Answer, Call
from app.simulator.clock import Clock

TOKEN = "/crm/token"  # noqa: S105
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

    def shown(self) -> dict[str, Any]:
        about = {"crm_id": self.crm_id, "external_id": self.external_id, "version": self.version}
        merged = {} if self.merged_into is None else {"merged_into": self.merged_into}
        return {**about, "updated_at": self.updated_at, "deleted": self.deleted, **merged, **self.fields}


@dataclass(frozen=True)
class Habits:
    """What is peculiar about this CRM, for a whole history."""

    mangle: Callable[[dict[str, Any]], dict[str, Any]] = lambda fields: fields
    keeps_keys: bool = True
    has_batches: bool = True
    has_feed: bool = True


@dataclass
class SimulatedCrm:
    """Answers calls, remembers every write, and tells `heard` of every change, for the webhooks."""

    clock: Clock
    habits: Habits = field(default_factory=Habits)
    rows: dict[str, Row] = field(default_factory=dict)
    feed: list[str] = field(default_factory=list)
    answers: dict[str, tuple[str, Answer]] = field(default_factory=dict)
    writes: list[tuple[str, str, str, dict[str, Any], dict[str, Any]]] = field(default_factory=list)
    """Who (`staff` or `service`) did what to which record: the fields before, and what was written."""
    heard: Callable[[dict[str, Any]], None] = lambda _: None
    calls: int = 0
    tokens: int = 0

    # ── what its staff does ──────────────────────────────────────────────────────────────────────────────────────

    def live(self) -> list[Row]:
        return [row for row in self.rows.values() if not row.deleted]

    def create(self, fields: dict[str, Any], who: str = "staff", external_id: str | None = None) -> Row:
        row = Row(f"C{len(self.rows) + 1}", external_id, 1, self._now(), fields)
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
        self.writes.append((who, event, row.crm_id, dict(before), dict(changed)))
        merged = {} if row.merged_into is None else {"merged_into": row.merged_into}
        about = {"crm_id": row.crm_id, "resource": "users", "event": event, "external_id": row.external_id, **merged}
        self.heard({**about, "updated_fields": changed, "timestamp": row.updated_at, "version": row.version})

    def _now(self) -> str:
        return format_time(self.clock.true_now()) or ""

    # ── what the service asks ────────────────────────────────────────────────────────────────────────────────────

    def answer(self, call: Call) -> Answer:
        """Answer one call as a CRM that is well."""
        self.calls += 1
        if call.path == TOKEN:
            self.tokens += 1
            return _json(200, {"access_token": f"t{self.tokens}", "token_type": "Bearer", "expires_in": 3600})
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
        return _json(200, self.edit(row.crm_id, self.habits.mangle(body), "service").shown())

    def _post(self, body: dict[str, Any]) -> Answer:
        external_id = body.pop("external_id", None)
        return _json(201, self.create(self.habits.mangle(body), "service", external_id).shown())

    def _batch(self, body: dict[str, Any]) -> Answer:
        return _json(200, {"results": [self._item(dict(item)) for item in body["items"]]})

    def _item(self, item: dict[str, Any]) -> dict[str, Any]:
        expected, crm_id, external_id = (item.pop(name, None) for name in ("if_version", "crm_id", "external_id"))
        same = [row for row in self.live() if row.external_id == external_id] if external_id else []
        row = self.rows.get(crm_id) if crm_id else next(iter(same), None)
        if crm_id and (row is None or row.deleted):
            return {"status": 404, "crm_id": crm_id, "error": "not_found"}
        if row is None:
            return {"status": 201, **self.create(self.habits.mangle(item), "service", external_id).shown()}
        if expected is not None and expected != row.version:
            about = {"crm_id": row.crm_id, "external_id": row.external_id}
            return {"status": 412, **about, "error": "version_mismatch", "version": row.version}
        return {"status": 200, **self.edit(row.crm_id, self.habits.mangle(item), "service").shown()}

    def _list(self, call: Call) -> Answer:
        asked = {name: values[0] for name, values in parse_qs(call.query, keep_blank_values=True).items()}
        if "external_id" in asked:
            found = [row.shown() for row in self.live() if row.external_id == asked["external_id"]]
            return _json(200, {"items": found, "next_cursor": None, "has_more": False})
        if not self.habits.has_feed:
            return _json(405, {"error": "method_not_allowed"})
        return self._feed(asked.get("updated_since", ""))

    def _feed(self, cursor: str) -> Answer:
        stamp = cursor.removeprefix("after:")
        later = [one for one in self.feed if self.rows[one].updated_at + one > stamp]
        shown = later[:PAGE]
        last = f"after:{self.rows[shown[-1]].updated_at}{shown[-1]}" if shown else cursor
        items = [self.rows[one].shown() for one in shown]
        return _json(200, {"items": items, "next_cursor": last or None, "has_more": len(later) > len(shown)})


def _json(status: int, body: dict[str, Any]) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json"})
