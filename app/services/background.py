"""Work that goes on after the answer: in a thread of its own, with the application it belongs to."""

import threading

from flask import Flask

from app.sync.engine import Engine
from app.sync.runs import Asked, begin, carry_out


def start(app: Flask, engine: Engine, asked: Asked) -> str:
    """Begin a run and go on with it in the background; return its id."""
    run_id = begin(engine, asked)
    real: Flask = getattr(app, "_get_current_object", lambda: app)()

    def work() -> None:
        with real.app_context():
            carry_out(engine, run_id)

    threading.Thread(target=work, name=f"run-{run_id}", daemon=True).start()
    return run_id
