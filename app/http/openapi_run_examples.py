"""Examples of what runs, plans, comparisons and the status look like in the documents of the API."""

from typing import Any

from app.core.resource import Resource
from app.http.openapi_examples import CRM_ID, IDENTITY, MOMENT, edited, other, value
from app.services.status import SUMMED
from app.sync.counts import Counts

RUN = "0190a6e3-02aa-7c55-9a61-0f6de0b1c2d4"
ROLLBACK = "0190a6e5-5b0e-7f10-8a3d-3c0b7a9e6f22"


def run(names: list[str], status: str = "succeeded") -> dict[str, Any]:
    counts = Counts(synced=0 if status == "running" else 12).shown()
    return {
        "id": RUN,
        "direction": "both",
        "resources": names,
        "batch_size": 100,
        "policy": "crm_wins",
        "asked_by": "api",
        "status": status,
        **counts,
        "error": None,
        "started_at": MOMENT,
        "finished_at": None if status == "running" else MOMENT,
        "seconds": 0.0,
        "records_a_minute": 0.0,
        "resumed": 0,
        "rolls_back": None,
        "parts": {name: {"status": status, **counts, "error": None, "left": []} for name in names},
    }


def rollback(resource: Resource) -> dict[str, Any]:
    """Return the run that took another one back, and what it left."""
    found = run([resource.name]) | {"id": ROLLBACK, "direction": "rollback", "rolls_back": RUN}
    part = found["parts"][resource.name] | {"left": [{"record_id": IDENTITY, "why": _MOVED}]}
    return found | {"parts": {resource.name: part}}


def rollback_plan(resource: Resource) -> dict[str, Any]:
    left = {"resource": resource.name, "record_id": IDENTITY, "why": _MOVED}
    return {"dry_run": True, "run_id": RUN, "writes": [write(resource)], "left": [left]}


_MOVED = "It has changed since: it is at version 3, not 2."


def write(resource: Resource) -> dict[str, Any]:
    field = edited(resource)
    return {
        "side": "here",
        "resource": resource.name,
        "record_id": IDENTITY,
        "crm_id": CRM_ID,
        "action": "update",
        "fields": {field.name: {"from": value(field), "to": other(field)}},
    }


def plan(resource: Resource) -> dict[str, Any]:
    nothing = {"create": 0, "update": 0, "delete": 0}
    return {
        "at": MOMENT,
        "direction": "both",
        "resources": [resource.name],
        "would_change": True,
        "summary": {"here": {**nothing, "update": 1}, "crm": nothing},
        "writes": [write(resource)],
        "truncated": False,
        "waits": {"conflicts": 0, "not_due": 0, "parked": 0, "needs_approval": []},
        "calls": 1,
    }


def verification(resource: Resource) -> dict[str, Any]:
    field = edited(resource)
    difference = {
        "resource": resource.name,
        "record_id": IDENTITY,
        "crm_id": CRM_ID,
        "reason": "owed",
        "fields": {field.name: {"here": other(field), "crm": value(field)}},
        "note": "The CRM has yet to hear of it.",
    }
    return {
        "at": MOMENT,
        "sentence": f"12 records in step as of {MOMENT}, 1 differ for a known reason.",
        "in_step": 12,
        "resources": {resource.name: {"in_step": 12, "differences": 1}},
        "differences": [difference],
        "unexplained": 0,
        "repaired": None,
        "cost": {"calls": 1, "seconds": 0.05},
    }


def schedule(*, paused: bool) -> dict[str, Any]:
    return {"paused": paused, "since": MOMENT if paused else None, "by": "api" if paused else None}


def status(names: list[str]) -> dict[str, Any]:
    one = {
        "healthy": True,
        "records": {"synced": 12, "pending": 1},
        "owed": 1,
        "oldest_owed_seconds": 0.4,
        "parked": 0,
        "oldest_parked_seconds": 0.0,
        "behind_seconds": {"push": 0.4, "pull": 61.0},
        "conflicts_open": 0,
        "last_run": {"run_id": RUN, "status": "succeeded", "finished_at": MOMENT},
        "last_success": MOMENT,
        "success_rate": 1.0,
        "problems": [],
        "totals": {"runs": 1, **dict.fromkeys(SUMMED, 0)},
        "last_pull": MOMENT,
        "next_pull": "2026-01-31T12:15:00.000Z",
    }
    crm = {
        "url": "http://127.0.0.1:8001",
        "reachable": True,
        "circuit": "closed",
        "paused_for": 0.0,
        "rate_limit": {"limit": 600, "left": 590, "resets_in": 12.5},
        "batches": True,
    }
    return {
        "at": MOMENT,
        "healthy": True,
        "crm": crm,
        "schedule": {**schedule(paused=False), "interval_minutes": 15.0},
        "resources": dict.fromkeys(names, one),
    }
