"""`flask sync …`: the sync from the command line."""

import json
import signal
import sys
from types import FrameType
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup

from app import bulk_cli
from app.crm import CRMError
from app.demo import Tour
from app.services import operations
from app.services import runs as runs_service
from app.sync.engine import Engine
from app.sync.runs import Asked, Direction
from app.sync.worker import Worker

RESOURCE = click.option("--resource", "resources", multiple=True, help="Only this resource; may be given again.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def register(app: Flask, engine: Engine) -> None:
    """Add the commands to `flask`."""
    group = AppGroup("sync", help="Keep the records and the CRM in step.")
    _add_runs(group, engine)
    _add_looks(group, engine)
    _add_worker(group, app, engine)
    _add_demo(group, app)
    bulk_cli.register(group, engine)
    app.cli.add_command(group)


def _add_runs(group: AppGroup, engine: Engine) -> None:
    directions: tuple[tuple[str, Direction, str], ...] = (
        ("push", "push", "Tell the CRM everything that is owed and due."),
        ("pull", "pull", "Take in everything that changed in the CRM."),
        ("run", "both", "Pull, then push."),
    )
    for name, direction, text in directions:
        _add_run(group, name, direction, text, engine)

    @group.command("retry", help="Put failed records back into the outbox and push them.")
    @RESOURCE
    @AS_JSON
    def retry(resources: tuple[str, ...], as_json: bool) -> None:
        chosen = _chosen(engine, resources)
        count = operations.retry(engine, chosen)
        run = runs_service.run(engine, Asked("push", tuple(chosen), "command"))
        _print({"retried": count, **run}, as_json, f"{count} records put back. {_sentence(run)}")
        sys.exit(0 if run["status"] == "succeeded" and not run["failed"] else 1)


def _add_run(group: AppGroup, name: str, direction: Direction, text: str, engine: Engine) -> None:
    @group.command(name, help=text)
    @RESOURCE
    @AS_JSON
    def command(resources: tuple[str, ...], as_json: bool) -> None:
        run = runs_service.run(engine, Asked(direction, tuple(_chosen(engine, resources)), "command"))
        _print(run, as_json, _sentence(run))
        sys.exit(0 if run["status"] == "succeeded" and not run["failed"] else 1)


def _add_looks(group: AppGroup, engine: Engine) -> None:
    @group.command("status", help="Show what is owed, in each direction, and whether the CRM answers.")
    @AS_JSON
    def status(as_json: bool) -> None:
        found = operations.status(engine)
        found["crm"]["reachable"] = operations.reachable(engine)
        _print(found, as_json, _table(found))

    @group.command("conflicts", help="List where both sides disagreed.")
    @click.option("--status", "state", type=click.Choice(["open", "resolved"]), help="Only these.")
    @click.option("--limit", default=50, show_default=True)
    @AS_JSON
    def conflicts(state: str | None, limit: int, as_json: bool) -> None:
        filters = {} if state is None else {"status": state}
        found, total = operations.list_conflicts(filters, limit, 0)
        lines = [
            f"{one['created_at']}  {one['kind']:9}  {one['resource']}/{one['record_id']}  {one['field'] or ''}"
            f"  here {one['local']!r}, there {one['crm']!r} → {one['resolution'] or 'a person decides'}"
            for one in found
        ]
        _print({"total": total, "conflicts": found}, as_json, "\n".join(lines) or "No conflicts.")

    @group.command("subscribe", help="Ask the CRM to post its webhooks to PUBLIC_URL.")
    @AS_JSON
    def subscribe(as_json: bool) -> None:
        try:
            operations.subscribe(engine)
        except CRMError as error:
            raise click.ClickException(error.message) from error
        _print({"subscribed": engine.webhook_url}, as_json, f"The CRM posts its webhooks to {engine.webhook_url}.")


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


def _chosen(engine: Engine, resources: tuple[str, ...]) -> list[str]:
    unknown = [name for name in resources if name not in engine.registry]
    if unknown:
        raise click.UsageError(f"No such resource: {', '.join(unknown)}. There are: {', '.join(engine.registry)}.")
    return list(resources) or list(engine.registry)


def _print(found: dict[str, Any], as_json: bool, text: str) -> None:
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else text)


def _sentence(run: dict[str, Any]) -> str:
    counts = ", ".join(f"{run[name]} {name}" for name in ("pulled", "pushed", "failed", "conflicts", "skipped"))
    problem = f" ({run['error']})" if run["error"] else ""
    return f"Run {run['id']} {run['status']}{problem}: {counts}."


def _table(found: dict[str, Any]) -> str:
    crm = found["crm"]
    answer = "answers" if crm["reachable"] else "does not answer"
    lines = [f"CRM {crm['url']} {answer}; circuit {crm['circuit']}."]
    lines.append(f"{'resource':12} {'records':>8} {'owed':>6} {'oldest':>8} {'parked':>6} {'conflicts':>9}  last pull")
    for name, one in found["resources"].items():
        lines.append(
            f"{name:12} {sum(one['records'].values()):>8} {one['owed']:>6} {one['oldest_owed_seconds']:>7.0f}s"
            f" {one['parked']:>6} {one['conflicts_open']:>9}  {one['last_pull'] or 'never'}"
        )
    return "\n".join(lines)
