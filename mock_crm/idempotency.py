"""Gives the same answer to a repeated call with the same Idempotency-Key, for a day."""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, jsonify, request

from mock_crm.crm import current
from mock_crm.errors import ApiError

_KEPT = 24 * 3600
_LONGEST = 255


@dataclass(frozen=True)
class Answer:
    """An answer that can be kept and given again."""

    status: int
    body: Any
    headers: dict[str, str]

    def response(self, *, replayed: bool = False) -> Response:
        response = jsonify(self.body)
        response.status_code = self.status
        response.headers.update(self.headers)
        if replayed:
            response.headers["Idempotent-Replayed"] = "true"
        return response


@dataclass(frozen=True)
class Key:
    """What makes two calls the same: where they go, their key and what they say."""

    scope: str
    key: str
    fingerprint: str


def key_of_call(scope: str, payload: Any) -> Key | None:
    """The running call's key, unless it has none or a fault makes this CRM one that knows of no keys."""
    key = request.headers.get("Idempotency-Key")
    if not key or current().faults.lasting("no_idempotency", scope.partition("/")[0]):
        return None
    if len(key) > _LONGEST:
        raise ApiError(400, "invalid_idempotency_key", f"Idempotency-Key must be at most {_LONGEST} characters.")
    text = json.dumps(payload, sort_keys=True)
    return Key(scope, key, hashlib.sha256(text.encode()).hexdigest())


def once(db: sqlite3.Connection, key: Key | None, work: Callable[[], Answer]) -> Response:
    """Do the work, or answer as the first time. Inside the work's own transaction, so that two at once do it once."""
    if key is None:
        return work().response()
    now = current().settings.clock()
    kept = _find(db, key, now)
    if kept is not None:
        return kept.response(replayed=True)
    answer = work()
    text = json.dumps([answer.status, answer.body, answer.headers])
    db.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?)", (key.scope, key.key, key.fingerprint, text, now))
    return answer.response()


def _find(db: sqlite3.Connection, key: Key, now: float) -> Answer | None:
    db.execute("DELETE FROM answers WHERE given_at < ?", (now - _KEPT,))
    row = db.execute(
        "SELECT fingerprint, answer FROM answers WHERE scope = ? AND key = ?", (key.scope, key.key)
    ).fetchone()
    if row is None:
        return None
    fingerprint, text = row
    if fingerprint != key.fingerprint:
        raise ApiError(422, "idempotency_key_reused", "This Idempotency-Key came before with another body.")
    return Answer(*json.loads(text))
