"""Plans in tests: what one foretells; the simulator knows how to compare it with what a run then did."""

from app.services.plans import plan
from app.simulator.foretold import came_true, foretold

__all__ = ["came_true", "foretell", "foretold"]


def foretell(engine, direction="both", limit=10_000):
    return plan(engine, direction, ["users"], limit)
