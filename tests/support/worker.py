"""The worker, a step at a time."""

from typing import Any

from app.services import operations
from app.sync import parked, push
from app.sync.engine import Engine
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
            tasks = push.due(self.engine, 100)
            for task in tasks:
                push.push(self.engine, task)
            count += len(tasks)
            if not tasks:
                break
        return count

    def drain(self, rounds: int = 40) -> None:
        """Let time pass and push until nothing is owed."""
        for _ in range(rounds):
            self.push()
            self.settle()
            if not any(one["owed"] + one["parked"] for one in operations.status(self.engine)["resources"].values()):
                return
            self.clock.pass_(seconds=60)

    def pull(self) -> dict[str, Any]:
        return operations.run(self.engine, "pull", list(self.engine.registry), "test")

    def settle(self) -> int:
        """Look up what is parked."""
        return parked.step(self.engine)
