"""`flask sync status`, `plan` and `verify`: looks at the sync that change nothing unless they are told to."""

import click
from flask.cli import AppGroup

from app.commands import shown
from app.commands import status as cli_status
from app.commands.options import AS_JSON, BY, CHANGES, RESOURCE, chosen, leave, show
from app.commands.progress import progress
from app.commands.runs import DIRECTION
from app.services import plans, status, verifying
from app.services.orders import DIRECTION_OF
from app.sync.engine import Engine


def register(group: AppGroup, engine: Engine) -> None:
    """Add the commands to `flask sync`."""
    _add_status(group, engine)
    _add_plan(group, engine)
    _add_verify(group, engine)


def _add_status(group: AppGroup, engine: Engine) -> None:
    @group.command("status", help="Show whether the sync is healthy: what was done, what is owed, and the CRM.")
    @AS_JSON
    def show_status(as_json: bool) -> None:
        found = status.status(engine, ask=True)
        show(found, cli_status.text(found), as_json=as_json)


def _add_plan(group: AppGroup, engine: Engine) -> None:
    @group.command(
        "plan", help="Show what a run would write, field by field. Exit code: 2 when it would write anything."
    )
    @RESOURCE
    @DIRECTION
    @click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Most writes to list.")
    @AS_JSON
    def plan(resources: tuple[str, ...], direction: str, limit: int, as_json: bool) -> None:
        found = plans.plan(engine, DIRECTION_OF[direction], chosen(engine, resources), limit)
        show(found, shown.plan(found), as_json=as_json)
        leave(well=not found["would_change"], otherwise=CHANGES)


def _add_verify(group: AppGroup, engine: Engine) -> None:
    @group.command("verify", help="Compare both sides, record by record. Exit code: 2 when something is unexplained.")
    @RESOURCE
    @click.option("--repair", is_flag=True, help="Heal what nothing explains, in a run that can be rolled back.")
    @AS_JSON
    def verify(resources: tuple[str, ...], repair: bool, as_json: bool) -> None:
        names = chosen(engine, resources)
        with progress(engine.world) as line:
            found = verifying.verify(
                engine, names, repair=repair, by=BY, watch=lambda count: line.say(f"{count} in step")
            )
        show(found, shown.verification(found), as_json=as_json)
        leave(well=not found["unexplained"], otherwise=CHANGES)
