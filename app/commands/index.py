"""`flask sync reindex`: the index of the search made anew."""

from flask.cli import AppGroup

from app.commands.options import AS_JSON, RESOURCE, chosen, show
from app.commands.progress import progress
from app.services import searching
from app.sync.engine import Engine


def register(group: AppGroup, engine: Engine) -> None:
    """Add the command to `flask sync`."""

    @group.command("reindex", help="Make the index of the search anew: for rows that were written by hand.")
    @RESOURCE
    @AS_JSON
    def reindex(resources: tuple[str, ...], as_json: bool) -> None:
        names = chosen(engine, resources)
        with progress(engine.world) as line:
            counts = searching.reindex(engine, names, lambda done: line.say(f"{done} records"))
        said = ", ".join(f"{count} {name}" for name, count in counts.items())
        show({"indexed": counts}, f"Indexed {said}.", as_json=as_json)
