"""The worker, a step at a time."""

from typing import Any

from app.services import status
from app.services.runs import run
from app.sync import bulk, parked, task
from app.sync.engine import Engine
from app.sync.runs import Asked
from tests.support.clock import Clock


class StepWorker:
    """The worker's steps, called by the test."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self.engine = engine
        self.clock = clock

    def push(self, rounds: int = 20) -> int:
        """Push what is due until nothing is."""
        count = 0
        for _ in range(rounds):
            tasks = task.due(self.engine, 100)
            for unit in bulk.units(self.engine, tasks):
                bulk.push_unit(self.engine, unit)
            count += len(tasks)
            if not tasks:
                break
        return count

    def drain(self, rounds: int = 40) -> None:
        """Let time pass and push until nothing is owed."""
        for _ in range(rounds):
            self.push()
            self.settle()
            if not any(one["owed"] + one["parked"] for one in status.status(self.engine)["resources"].values()):
                return
            self.clock.pass_(seconds=60)

    def pull(self) -> dict[str, Any]:
        return run(self.engine, Asked("pull", tuple(self.engine.registry), "test"))

    def settle(self) -> int:
        """Look up what is parked."""
        return parked.step(self.engine)
