"""What references cost: tasks under projects under clients are pushed, against as many users that refer to nobody."""

import time
from pathlib import Path

from app.http.wiring import ENGINE
from app.resources import REGISTRY
from app.services import batches, runs
from app.sync.runs import Asked
from benchmarks.bench import Bench, Row, paired
from benchmarks.rig import Rig, fresh, template

CLIENTS, PROJECTS, TASKS = 20, 80, 400


def measure(rounds: int, _peers: bool) -> list[Row]:
    calls: dict[str, list[int]] = {"users": [], "tasks": []}
    with template() as path:
        floor, ours = paired(
            rounds, lambda: _timed(path, calls["users"], _users), lambda: _timed(path, calls["tasks"], _tree)
        )
    return [
        Row("tasks under projects under clients, to as many users", "s", ours, floor, "less"),
        Row("the calls of it", "calls", [float(one) for one in calls["tasks"]],
            [float(one) for one in calls["users"]], "less"),
    ]  # fmt: skip


def _timed(path: Path, calls: list[int], prepare: object) -> float:
    with fresh(path) as rig:
        assert callable(prepare)
        names = prepare(rig)
        before, begun = rig.calls(), time.perf_counter()
        done = runs.run(rig.app.extensions[ENGINE], Asked("push", names, "bench"))
        taken = time.perf_counter() - begun
        assert (done["status"], done["pushed"]) == ("succeeded", CLIENTS + PROJECTS + TASKS), done
        calls.append(rig.calls() - before)
        return taken


def _users(rig: Rig) -> tuple[str, ...]:
    count = CLIENTS + PROJECTS + TASKS
    _make(rig, "users", [{"name": f"User {one}", "email": f"user{one}@example.com"} for one in range(count)])
    return ("users",)


def _tree(rig: Rig) -> tuple[str, ...]:
    clients = _make(rig, "clients", [{"name": f"Client {one}"} for one in range(CLIENTS)])
    drafts = [{"name": f"Project {one}", "client_id": clients[one % CLIENTS]} for one in range(PROJECTS)]
    projects = _make(rig, "projects", drafts)
    wanted = [{"title": f"Task {one}", "project_id": projects[one % PROJECTS]} for one in range(TASKS)]
    _make(rig, "tasks", [{**one, "client_id": clients[place % CLIENTS]} for place, one in enumerate(wanted)])
    return ("clients", "projects", "tasks")


def _make(rig: Rig, name: str, drafts: list[dict[str, str]]) -> list[str]:
    made = batches.create_many(rig.app.extensions[ENGINE], REGISTRY[name], drafts)
    return [record.id for record in made if not isinstance(record, Exception)]


BENCH = Bench("references", "What references cost: 500 records pushed", measure)
