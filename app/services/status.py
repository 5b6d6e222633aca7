"""Is my sync healthy? For each resource what was done, what is owed in each direction and since when; and the CRM."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from app.core.db import reading
from app.core.kinds import format_time
from app.core.resource import Resource
from app.crm import CRMError
from app.services import runs as runs_shown
from app.store import conflicts, inbox, outbox, records, runs
from app.sync.engine import Engine

RECENT = 100
"""Runs that the success rate and the sums speak of."""
FRESH = 30.0
"""Seconds for which an answer of the CRM shows that it can be reached."""
PATIENCE = 2.0
SUMMED = ("pulled", "pushed", "failed", "conflicts", "created", "updated", "deleted", "skipped")


def status(engine: Engine, *, ask: bool = False) -> dict[str, Any]:
    """Return how the sync is. With `ask` the CRM may be called once, to see whether it answers."""
    now, paused = engine.world.now(), runs_shown.schedule()
    resources = {name: _resource(engine, resource, now, paused["paused"]) for name, resource in engine.registry.items()}
    return {
        "at": format_time(now),
        "healthy": all(one["healthy"] for one in resources.values()) and engine.crm.breaker.state == "closed",
        "crm": _crm(engine, ask=ask),
        "schedule": {**paused, "interval_minutes": engine.interval.total_seconds() / 60},
        "resources": resources,
    }


def reachable(engine: Engine) -> bool:
    """Tell whether the CRM answers: by its last answer if that is fresh, else by one call."""
    heard_at = engine.crm.breaker.heard_at
    if heard_at is not None and engine.world.monotonic() - heard_at < FRESH:
        return True
    try:
        path = next(iter(engine.registry.values())).crm_path
        engine.crm.ping(path, deadline=engine.world.monotonic() + PATIENCE)
    except CRMError:
        return False
    return True


def _crm(engine: Engine, *, ask: bool) -> dict[str, Any]:
    room = engine.crm.pace.room()
    return {
        "url": engine.crm.config.base_url,
        "reachable": reachable(engine) if ask else None,
        "circuit": engine.crm.breaker.state,
        "paused_for": round(engine.crm.pace.paused_for(), 1),
        "rate_limit": {
            "limit": room.limit,
            "left": room.left,
            "resets_in": None if room.resets_in is None else round(room.resets_in, 1),
        },
        "batches": engine.crm.batches,
    }


def _resource(engine: Engine, resource: Resource, now: datetime, paused: bool) -> dict[str, Any]:
    with reading() as connection:
        owed, oldest = outbox.backlog(connection, resource.name)
        parked, oldest_parked = inbox.count_parked(connection, resource.name)
        _, pulled_at = runs.cursor(connection, resource.name)
        by_status = records.count_by_status(connection, resource)
        done = _done(connection, resource)
        open_now = conflicts.count_open(connection, resource.name)
    next_at = None if paused else now if pulled_at is None else max(now, pulled_at + engine.interval)
    last_ok = None if done["last_run"] is None else done["last_run"]["status"] != "failed"
    return {
        "healthy": last_ok is not False and not by_status.get("failed", 0),
        "records": by_status,
        "owed": owed,
        "oldest_owed_seconds": _age(oldest, now),
        "parked": parked,
        "oldest_parked_seconds": _age(oldest_parked, now),
        # What the CRM has for us is not known until it is asked: we are behind by the time since then.
        "behind_seconds": {"push": _age(oldest, now), "pull": max(_age(pulled_at, now), _age(oldest_parked, now))},
        "conflicts_open": open_now,
        **done,
        "last_pull": format_time(pulled_at),
        "next_pull": format_time(next_at),
    }


def _done(connection: Connection, resource: Resource) -> dict[str, Any]:
    last = runs.last_part(connection, resource.name)
    success = runs.last_part(connection, resource.name, ["succeeded"])
    recent = runs.outcomes(connection, resource.name, RECENT)
    failed = sum(outcome == "failed" for outcome, _ in recent)
    return {
        "last_run": None if last is None else {name: last[name] for name in ("run_id", "status", "finished_at")},
        "last_success": None if success is None else success["finished_at"],
        "success_rate": round(1 - failed / len(recent), 4) if recent else None,
        "problems": _problems([counts for _, counts in recent]),
        "totals": {"runs": len(recent), **{name: sum(c.get(name, 0) for _, c in recent) for name in SUMMED}},
    }


def _problems(recent: list[dict[str, Any]]) -> list[str]:
    """Say what a person should know of the last pull that brought anything."""
    last = next((one for one in recent if one.get("pulled") or one.get("unmentioned")), {})
    return [
        f"The CRM no longer mentions {name}: {count} records in the last pull."
        for name, count in last.get("unmentioned", {}).items()
    ]


def _age(moment: datetime | None, now: datetime) -> float:
    return 0.0 if moment is None else max(0.0, round((now - moment).total_seconds(), 1))
