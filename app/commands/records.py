"""`flask sync explain`, `undo` and `restore`: why one record is as it is, and the way back."""

import click
from flask.cli import AppGroup

from app.commands import shown
from app.commands.options import AS_JSON, PLACE, chosen, show
from app.core.record import Record
from app.core.resource import Resource
from app.services import explaining, operations, records, rollbacks
from app.sync.engine import Engine

RECORD = click.argument("place", metavar="RESOURCE/ID", type=PLACE)
LAST_CHANGE = 2**40


def register(group: AppGroup, engine: Engine) -> None:
    """Add the commands to `flask sync`."""

    @group.command("explain", help="Say in plain words why a record is as it is, and what to do.")
    @RECORD
    @AS_JSON
    def explain(place: tuple[str, str], as_json: bool) -> None:
        found = explaining.explain(engine, _resource(engine, place), place[1])
        show(found, shown.explanation(found), as_json=as_json)

    @group.command("undo", help="Take back one change of a record: its id is in GET /users/ID/changes.")
    @RECORD
    @click.argument("change", type=click.IntRange(1, LAST_CHANGE))
    @AS_JSON
    def undo(place: tuple[str, str], change: int, as_json: bool) -> None:
        record = rollbacks.undo(engine, _resource(engine, place), place[1], change)
        _tell(engine, record, as_json=as_json)

    @group.command("restore", help="Bring a deleted record back, here and in the CRM.")
    @RECORD
    @AS_JSON
    def restore(place: tuple[str, str], as_json: bool) -> None:
        _tell(engine, records.restore(engine, _resource(engine, place), place[1]), as_json=as_json)


def _resource(engine: Engine, place: tuple[str, str]) -> Resource:
    return engine.registry[chosen(engine, place[:1])[0]]


def _tell(engine: Engine, record: Record, *, as_json: bool) -> None:
    """Push what was just changed, and say how the record stands."""
    operations.push_now(engine, record.id)
    found = explaining.explain(engine, engine.registry[record.resource], record.id)
    about = {"resource": record.resource, "record_id": record.id, "sync_status": found["sync_status"]}
    text = f"{record.resource}/{record.id} {found['sync_status']}: {found['summary']}"
    show({**about, "summary": found["summary"], "owed": found["owed"]}, text, as_json=as_json)
