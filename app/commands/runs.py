"""`flask sync run` and what goes with runs: look at them, take one back, approve or refuse, pause and resume."""

from typing import Any

import click
from flask.cli import AppGroup

from app.commands import options, shown
from app.commands.options import AS_JSON, BY, PLAIN, RESOURCE, chosen, leave, show
from app.commands.progress import progress
from app.core.errors import Invalid
from app.services import operations, policies, resolutions, rollbacks
from app.services import runs as runs_service
from app.services.orders import DIRECTION_OF, LARGEST_BATCH
from app.sync.engine import Engine
from app.sync.runs import Asked, Direction

DIRECTION = click.option("--direction", type=click.Choice(list(DIRECTION_OF)), default="both", show_default=True)
BATCH_SIZE = click.option("--batch-size", type=click.IntRange(1, LARGEST_BATCH), help="Other than SYNC_BATCH_SIZE.")
POLICY = click.option("--policy", help="For this run, in the form of CONFLICT_POLICY.")
RUN = click.argument("run_id", metavar="RUN", type=PLAIN)


def register(group: AppGroup, engine: Engine) -> None:
    """Add the commands to `flask sync`."""
    _add_run(group, engine)
    _add_one_way(group, "push", "push", "Tell the CRM everything that is owed and due.", engine)
    _add_one_way(group, "pull", "pull", "Take in everything that changed in the CRM.", engine)
    _add_retry(group, engine)
    _add_runs(group, engine)
    _add_rollback(group, engine)
    _add_approval(group, engine)
    _add_schedule(group, engine)


def _add_run(group: AppGroup, engine: Engine) -> None:
    @group.command("run", help="Pull, then push.")
    @DIRECTION
    @RESOURCE
    @BATCH_SIZE
    @POLICY
    @AS_JSON
    def run(direction: str, as_json: bool, **about: Any) -> None:
        _end(_run(engine, DIRECTION_OF[direction], **about), as_json=as_json)


def _add_one_way(group: AppGroup, name: str, direction: Direction, text: str, engine: Engine) -> None:
    @group.command(name, help=text)
    @RESOURCE
    @BATCH_SIZE
    @POLICY
    @AS_JSON
    def command(as_json: bool, **about: Any) -> None:
        _end(_run(engine, direction, **about), as_json=as_json)


def _add_retry(group: AppGroup, engine: Engine) -> None:
    @group.command("retry", help="Put failed records back into the outbox and push them.")
    @RESOURCE
    @AS_JSON
    def retry(resources: tuple[str, ...], as_json: bool) -> None:
        count = operations.retry(engine, chosen(engine, resources))
        run = _run(engine, "push", resources)
        _end({"retried": count, **run}, f"{count} records put back. ", as_json=as_json)


def _run(
    engine: Engine, direction: Direction, resources: tuple[str, ...],
    batch_size: int | None = None, policy: str | None = None,
) -> dict[str, Any]:  # fmt: skip
    try:
        checked = None if policy is None else policies.checked(engine.registry, policy)
    except Invalid as error:
        raise click.BadParameter(error.detail, param_hint="--policy") from error
    asked = Asked(direction, tuple(chosen(engine, resources)), BY, batch_size, checked)
    with progress(engine.world) as line:
        return runs_service.run(engine, asked, line.watch)


def _end(run: dict[str, Any], before: str = "", *, as_json: bool) -> None:
    show(run, before + shown.run(run), as_json=as_json)
    leave(well=run["status"] == "succeeded" and not run["failed"])


def _add_runs(group: AppGroup, engine: Engine) -> None:
    @group.command("runs", help="List what runs did, the newest first.")
    @click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
    @AS_JSON
    def runs(limit: int, as_json: bool) -> None:
        found, total = runs_service.listing(engine, limit, 0)
        show({"total": total, "runs": found}, shown.runs(found), as_json=as_json)


def _add_rollback(group: AppGroup, engine: Engine) -> None:
    @group.command("rollback", help="Take a run back, here and in the CRM; what has moved since is left and listed.")
    @RUN
    @click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")
    @click.option("--yes", is_flag=True, help="Do not ask.")
    @AS_JSON
    def rollback(run_id: str, dry_run: bool, yes: bool, as_json: bool) -> None:
        if dry_run:
            found = rollbacks.roll_back(engine, run_id, BY, dry_run=True)
            show(found, shown.rollback_plan(found), as_json=as_json)
            return
        if options.on_terminal() and not yes:
            found = rollbacks.roll_back(engine, run_id, BY, dry_run=True)
            click.echo(shown.rollback_plan(found), err=True)
            click.confirm("Take this run back?", abort=True, err=True)
        _end(rollbacks.roll_back(engine, run_id, BY, dry_run=False), as_json=as_json)


def _add_approval(group: AppGroup, engine: Engine) -> None:
    @group.command("approve", help="Do the deletions that a run left to a person.")
    @RUN
    @AS_JSON
    def approve(run_id: str, as_json: bool) -> None:
        _decided(resolutions.approve(engine, run_id, BY, yes=True), "deletions done", as_json=as_json)

    @group.command("refuse", help="Keep the records that a run would have deleted.")
    @RUN
    @click.option("--recreate", is_flag=True, help="Create them in the CRM again.")
    @AS_JSON
    def refuse(run_id: str, recreate: bool, as_json: bool) -> None:
        found = resolutions.approve(engine, run_id, BY, yes=False, recreate=recreate)
        _decided(found, "records kept", as_json=as_json)


def _decided(found: dict[str, Any], what: str, *, as_json: bool) -> None:
    left = [f"Left: {one['id']}  {one['detail']}" for one in found["left"]]
    text = "\n".join([f"{found['status'].capitalize()}: {found['resolved']} {what}.", *left])
    show(found, text, as_json=as_json)
    leave(well=not found["left"])


def _add_schedule(group: AppGroup, engine: Engine) -> None:
    @group.command("pause", help="Stop the scheduled pulls until they are resumed, over restarts too.")
    @AS_JSON
    def pause(as_json: bool) -> None:
        found = runs_service.pause(engine, BY)
        show(found, f"The schedule is paused since {found['since']}.", as_json=as_json)

    @group.command("resume", help="Let the scheduled pulls go on.")
    @AS_JSON
    def resume(as_json: bool) -> None:
        show(runs_service.resume(BY), "The schedule goes on.", as_json=as_json)
