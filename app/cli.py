"""`flask sync …`: the sync from the command line."""

import signal
from types import FrameType

from flask import Flask
from flask.cli import AppGroup

from app.commands import conflicts, files, index, looks, records, runs
from app.commands.options import AS_JSON, Commands, show
from app.demo import Tour
from app.services import operations
from app.simulator import command as simulator
from app.simulator.theatre import Factory
from app.sync.engine import Engine
from app.sync.worker import Worker


def register(app: Flask, engine: Engine, factory: Factory) -> None:
    """Add the commands to `flask`; `factory` makes applications for the simulator."""
    group = Commands("sync", help="Keep the records and the CRM in step.")
    for commands in (runs, looks, conflicts, records, files, index):
        commands.register(group, engine)
    simulator.register(group, factory)
    _add_subscribe(group, engine)
    _add_worker(group, app, engine)
    _add_demo(group, app)
    app.cli.add_command(group)


def _add_subscribe(group: AppGroup, engine: Engine) -> None:
    @group.command("subscribe", help="Ask the CRM to post its webhooks to PUBLIC_URL.")
    @AS_JSON
    def subscribe(as_json: bool) -> None:
        operations.subscribe(engine)
        text = f"The CRM posts its webhooks to {engine.webhook_url}."
        show({"subscribed": engine.webhook_url}, text, as_json=as_json)


def _add_worker(group: AppGroup, app: Flask, engine: Engine) -> None:
    @group.command("worker", help="Push, pull and settle until stopped.")
    def worker() -> None:
        working = Worker(app, engine)

        def stop(_number: int, _frame: FrameType | None) -> None:
            working.stop()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        working.run()


def _add_demo(group: AppGroup, app: Flask) -> None:
    @group.command("demo", help="A narrated tour against the running stack with the mock CRM.")
    def demo() -> None:
        Tour(f"http://127.0.0.1:{app.config['PORT']}", app.config["CRM_API_URL"], app.config["CRM_API_KEY"]).run()
