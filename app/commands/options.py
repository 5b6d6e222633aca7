"""What the commands of `flask sync` have in common: options, the way out, and errors that can be read."""

import json
import sys
from typing import Any

import click
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnection

from app.core.errors import ServiceError
from app.core.kinds import is_plain
from app.crm import CRMError
from app.sync.engine import Engine

BY = "command"
CHANGES, FAILED = 2, 1
"""Exit codes: of a look that found something to do, and of what did not work."""
RESOURCE = click.option("--resource", "resources", multiple=True, help="Only this resource; may be given again.")
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


class Commands(AppGroup):
    """Says what is wrong in one sentence, whatever command it came from, and exits with 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ServiceError as error:
            raise click.ClickException(error.detail) from error
        except CRMError as error:
            raise click.ClickException(f"The CRM does not tell us: {error.message}") from error
        except (DBAPIError, NoConnection) as error:
            raise click.ClickException("The database cannot take this now. If it is new, say: make migrate.") from error


class Plain(click.ParamType[Any]):
    """Text that every database can look for."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not is_plain(value):
            self.fail("It holds what is no character.", param, ctx)
        return str(value)


class Place(Plain):
    """A record as `resource/id`."""

    name = "resource/id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if isinstance(value, tuple):
            return value
        resource, slash, record_id = super().convert(value, param, ctx).partition("/")
        if not (resource and slash and record_id):
            self.fail(f"{value!r} is no record: say RESOURCE/ID, such as users/0190….", param, ctx)
        return resource, record_id


PLAIN, PLACE = Plain(), Place()


def chosen(engine: Engine, resources: tuple[str, ...]) -> list[str]:
    """Return the resources that are meant, each once; all of them when none is named."""
    unknown = [name for name in resources if name not in engine.registry]
    if unknown:
        raise click.UsageError(f"No such resource: {', '.join(unknown)}. There are: {', '.join(engine.registry)}.")
    return list(dict.fromkeys(resources)) or list(engine.registry)


def show(found: dict[str, Any], text: str, *, as_json: bool) -> None:
    click.echo(json.dumps(found, ensure_ascii=False) if as_json else text)


def leave(*, well: bool, otherwise: int = FAILED) -> None:
    """End the command: 0 when all is well."""
    sys.exit(0 if well else otherwise)


def on_terminal() -> bool:
    """Tell whether a person looks at what is printed."""
    return sys.stdout.isatty()
