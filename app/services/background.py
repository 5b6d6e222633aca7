"""Work that goes on after the answer: in a thread of its own, with the application it belongs to."""

import threading
from collections.abc import Collection

from flask import Flask

from app.sync.engine import Engine
from app.sync.runs import Direction, begin, carry_out


def start(app: Flask, engine: Engine, direction: Direction, resources: Collection[str], asked_by: str) -> str:
    """Begin a run and go on with it in the background; return its id."""
    run_id = begin(engine, direction, resources, asked_by)
    real: Flask = getattr(app, "_get_current_object", lambda: app)()

    def work() -> None:
        with real.app_context():
            carry_out(engine, run_id, direction, resources)

    threading.Thread(target=work, name=f"run-{run_id}", daemon=True).start()
    return run_id
