"""Verify: are both sides in step, and if not, why; and a repair through the engine."""

from collections.abc import Callable, Sequence
from typing import Any

import structlog

from app.core.kinds import format_time
from app.services import runs
from app.sync import verify as engine_verify
from app.sync.engine import Engine
from app.sync.runs import Asked
from app.sync.verify import Verified

log = structlog.get_logger(__name__)


def verify(
    engine: Engine, resources: Sequence[str], *, repair: bool, by: str, watch: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """Compare both sides of each resource. Raises Unavailable and Rejected when the CRM cannot be read.

    `watch` is told how many are in step so far. With `repair` what nothing explains is first healed by the engine, in a
    run that can be rolled back.
    """
    began = engine.world.monotonic()
    repaired = runs.run(engine, Asked("repair", tuple(resources), by)) if repair else None
    found = {name: _compare(engine, name, watch) for name in resources}
    return _shown(engine, found, repaired, engine.world.monotonic() - began)


def _compare(engine: Engine, name: str, watch: Callable[[int], None]) -> Verified:
    found = Verified()
    engine_verify.compare(engine, engine.registry[name], found, lambda: watch(found.in_step))
    return found


def _shown(engine: Engine, found: dict[str, Verified], repaired: Any, seconds: float) -> dict[str, Any]:
    unexplained = [one for verified in found.values() for one in verified.suspects]
    explained = [one for verified in found.values() for one in verified.differences]
    in_step = sum(one.in_step for one in found.values())
    calls = sum(one.calls for one in found.values())
    at = format_time(engine.world.now())
    log.info("verified", in_step=in_step, explained=len(explained), unexplained=len(unexplained), calls=calls)
    differ = f", {len(explained)} differ for a known reason" if explained else ""
    drift = f", {len(unexplained)} differ for no reason that we know" if unexplained else ""
    return {
        "at": at,
        "sentence": f"{in_step} records in step as of {at}{differ}{drift}.",
        "in_step": in_step,
        "resources": {
            name: {"in_step": one.in_step, "differences": len(one.differences) + len(one.suspects)}
            for name, one in found.items()
        },
        "differences": [*unexplained, *explained],
        "unexplained": len(unexplained),
        "repaired": repaired,
        "cost": {"calls": calls, "seconds": round(seconds, 3)},
    }
