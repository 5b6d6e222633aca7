"""Runs as people ask for them and see them; and the schedule, which they may pause."""

from datetime import datetime
from typing import Any

import structlog

from app.core.db import reading, transact
from app.core.errors import NotFound
from app.core.kinds import parse_time
from app.store import runs, settings
from app.sync import runs as engine_runs
from app.sync.counts import Counts
from app.sync.engine import Engine
from app.sync.runs import Asked, Watch

log = structlog.get_logger(__name__)


def run(engine: Engine, asked: Asked, watch: Watch = lambda _: None) -> dict[str, Any]:
    """Do one run now and return it; `watch` is told after each page and batch."""
    return shown(engine_runs.run(engine, asked, watch), engine.world.now())


def get(engine: Engine, run_id: str) -> dict[str, Any]:
    """Return one run with its parts. Raises NotFound."""
    with reading() as connection:
        found = runs.get(connection, run_id)
    if found is None:
        raise NotFound("There is no such run.")
    return shown(found, engine.world.now())


def listing(engine: Engine, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
    """Return runs, the newest first, and how many there are in all."""
    with reading() as connection:
        found = [one | {"parts": runs.parts(connection, one["id"])} for one in runs.latest(connection, limit, offset)]
        return [shown(one, engine.world.now()) for one in found], runs.count(connection)


def shown(run: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return a run as it is shown: while it is at work, with the counts of its parts so far."""
    counts = Counts()
    for part in run["parts"].values():
        counts.add(Counts.of(part))
    seconds = ((parse_time(run["finished_at"]) or now) - (parse_time(run["started_at"]) or now)).total_seconds()
    done = counts.seen + counts.pushed
    return {
        **{name: run[name] for name in ("id", "direction", "resources", "batch_size", "policy", "asked_by", "status")},
        **counts.shown(),
        "error": run["error"],
        "started_at": run["started_at"],
        "finished_at": run["finished_at"],
        "seconds": round(max(0.0, seconds), 3),
        "records_a_minute": round(done / seconds * 60, 1) if seconds > 0 else 0.0,
        "resumed": run["resumed"],
        "rolls_back": run["rolls_back"],
        "parts": {name: _part(part) for name, part in sorted(run["parts"].items())},
    }


def _part(part: dict[str, Any]) -> dict[str, Any]:
    return {"status": part["status"], **Counts.of(part).shown(), "error": part["error"], "left": part["left"]}


def pause(engine: Engine, by: str) -> dict[str, Any]:
    """Stop the scheduled pulls until somebody resumes them, over restarts too."""
    transact(lambda tx: settings.put(tx, settings.PAUSED, value=True, by=by, now=engine.world.now()))
    log.info("schedule_paused", by=by)
    return schedule()


def resume(by: str) -> dict[str, Any]:
    """Let the scheduled pulls go on."""
    transact(lambda tx: settings.remove(tx, settings.PAUSED))
    log.info("schedule_resumed", by=by)
    return schedule()


def schedule() -> dict[str, Any]:
    """Return whether the schedule is paused, and since when by whom."""
    with reading() as connection:
        found = settings.get(connection, settings.PAUSED)
    if found is None:
        return {"paused": False, "since": None, "by": None}
    return {"paused": True, "since": found["set_at"], "by": found["set_by"]}
