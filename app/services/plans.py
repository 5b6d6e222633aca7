"""The plan: what a run would do, found out by the engine without doing it."""

from collections.abc import Sequence
from typing import Any

from app.core.kinds import format_time
from app.sync import plan as engine_plan
from app.sync.engine import Engine
from app.sync.plan import Plan


def plan(engine: Engine, direction: str, resources: Sequence[str], limit: int) -> dict[str, Any]:
    """Return what a run would write on each side, and what waits for a decision or its time.

    All writes are counted, the first `limit` are listed. Raises Unavailable and Rejected.
    """
    made = Plan(limit)
    for name in resources:
        engine_plan.make(engine, engine.registry[name], direction, made)
    total = sum(count for side in made.summary.values() for count in side.values())
    return {
        "at": format_time(engine.world.now()),
        "direction": direction,
        "resources": list(resources),
        "would_change": made.would_change,
        "summary": made.summary,
        "writes": made.writes,
        "truncated": total > len(made.writes),
        "waits": made.waits,
        "calls": made.calls,
    }
