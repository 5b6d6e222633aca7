"""`flask sync import` and `flask sync export`: whole files of records, in and out."""

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, get_args

import click
from flask.cli import AppGroup
from sqlalchemy.exc import DBAPIError

from app.core.errors import Invalid, NotNow
from app.core.record import Status
from app.services.files import exporting, import_files, importing
from app.services.files.import_files import STDIN, Files, Order
from app.services.files.importing import Import
from app.services.files.landing import Database, Rehearsal
from app.services.files.tabular import KINDS, Kind
from app.sync.engine import Engine

IMPORT = """Take in records from a CSV or NDJSON file; - is standard input.

Columns are found by name, in any letter case, without spaces, dashes and underscores; --map finds others. Unknown
columns are ignored, empty cells are no value. The encoding is UTF-8 or UTF-16 by its byte order mark; else UTF-8, if
all of the file is; else cp1252. A cell that `sync export` disarmed with an apostrophe loses it again.

A row whose unique value is taken is rejected, unless it says nothing new; with --update the record is changed to it.
Rejected rows go to FILE.rejected.csv. An import that was stopped goes on where it was: start it again.

Exit code: 0 all rows went in, 1 some were rejected or the database failed, 2 nothing was begun.
"""
EXPORT = """Write all live records as CSV or NDJSON.

A CSV cell that a spreadsheet would run as a formula (it begins with = or @, or with + or - and is more than a number or
a phone number) gets an apostrophe in front; `sync import` takes it off again. CSV has one form for no value and for an
empty text; NDJSON keeps them apart.
"""
Command = Callable[..., Any]
Option = Callable[[Command], Command]
FILE = click.Path(dir_okay=False, path_type=Path)
OPTIONS: tuple[Option, ...] = (
    click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)),
    click.option("--map", "columns", metavar="COLUMN=FIELD", multiple=True, help="Which column is which field."),
    click.option("--encoding", help="Such as utf-8 or cp1252; found out unless said."),
    click.option("--delimiter", default="", help="One of , ; | tab; found out unless said."),
    click.option("--dry-run", is_flag=True, help="Say what would be; store nothing."),
    click.option("--rejected", type=FILE, help="Where rejected rows go."),
    click.option("--update", is_flag=True, help="Change records that are there already."),
    click.option("--restart", is_flag=True, help="Begin anew what was stopped half-way."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
)
FORMAT: Option = click.option(
    "--format", "kind", type=click.Choice(["csv", "ndjson"]), help="By the file's name unless said."
)


def register(group: AppGroup, engine: Engine) -> None:
    """Add the commands to `flask sync`."""
    _add_import(group, engine)
    _add_export(group, engine)


def _resource(engine: Engine) -> Option:
    names = list(engine.registry)
    return click.option("--resource", type=click.Choice(names), default=names[0], show_default=True)


def _add_import(group: AppGroup, engine: Engine) -> None:
    def command(resource: str, columns: tuple[str, ...], delimiter: str, as_json: bool, **asked: Any) -> None:
        order = Order(
            resource=engine.registry[resource], columns=_pairs(columns), delimiter=_delimiter(delimiter), **asked
        )
        sys.exit(_import(engine, order, as_json=as_json))

    for option in reversed((_resource(engine), FORMAT, *OPTIONS)):
        command = option(command)
    group.command("import", help=IMPORT)(command)


def _import(engine: Engine, order: Order, *, as_json: bool) -> int:
    began = engine.world.monotonic()
    with import_files.opened(order, sys.stdin.buffer) as file:
        try:
            files = import_files.prepare(order, file, _notice, engine.world.new_id())
        except Invalid as error:
            raise click.UsageError(error.detail) from error
        landing = Rehearsal(engine, order.resource) if order.dry_run else Database(engine, order.resource)
        with closing(landing), closing(files.rejects):
            work = Import(order.resource, landing, files.noted, update=order.update)
            _run(work, file, files)
    if files.table.kind == "ndjson":
        import_files.say_ignored(files.table, _notice)
    (_report_json if as_json else _report)(order, files, round(engine.world.monotonic() - began, 1))
    return 1 if work.counts.rejected else 0


def _run(work: Import, file: BinaryIO, files: Files) -> None:
    try:
        with _bar(import_files.size(file)) as show:
            importing.run(work, files.table, files.rejects, files.progress, lambda: show(file.tell()))
    except (NotNow, DBAPIError) as error:
        where = "from the beginning" if files.progress is None else f"after row {work.counts.rows}"
        raise click.ClickException(f"The database cannot take this now. The same again goes on {where}.") from error
    except (Invalid, OSError) as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def _bar(size: int) -> Iterator[Callable[[int], None]]:
    if not sys.stderr.isatty():
        yield lambda _position: None
        return
    with click.progressbar(length=size, label="Import", file=sys.stderr) as bar:
        yield lambda position: bar.update(position - bar.pos)


def _report(order: Order, files: Files, seconds: float) -> None:
    counts = files.noted.counts
    dry = "Dry run, nothing was stored: " if order.dry_run else ""
    where = f" ({files.rejects.path})" if counts.rejected else ""
    click.echo(
        f"{dry}{counts.created} created, {counts.updated} updated, {counts.already_there} already there, "
        f"{counts.rejected} rejected{where} in {seconds} seconds"
    )


def _report_json(order: Order, files: Files, seconds: float) -> None:
    counts = files.noted.counts
    about = {
        "rejected_file": str(files.rejects.path) if counts.rejected else None,
        "ignored": list(files.table.ignored),
        "dry_run": order.dry_run,
        "seconds": seconds,
    }
    click.echo(json.dumps(asdict(counts) | about, ensure_ascii=False))


def _add_export(group: AppGroup, engine: Engine) -> None:
    @group.command("export", help=EXPORT)
    @_resource(engine)
    @FORMAT
    @click.option("--output", type=FILE, default=STDIN, show_default=True, help="- is standard output.")
    @click.option("--status", type=click.Choice(get_args(Status)), help="Only records that stand so with the CRM.")
    @click.option("--with-sync", is_flag=True, help="Also what the sync knows of each.")
    def export(resource: str, kind: Kind | None, output: Path, status: str | None, with_sync: bool) -> None:
        chosen = engine.registry[resource]
        names = exporting.columns(chosen, with_sync=with_sync)
        rows = exporting.everything(chosen, status=status, with_sync=with_sync)
        wanted: Kind = kind or KINDS.get(output.suffix.lower(), "csv")
        if output == STDIN:
            out = io.TextIOWrapper(sys.stdout.buffer, "utf-8", newline="")
            exporting.write(out, wanted, names, rows)
            out.detach()  # flushed, and left open
            return
        try:
            count = exporting.to_file(output, lambda out: exporting.write(out, wanted, names, rows))
        except OSError as error:
            raise click.ClickException(f"{output} cannot be written: {error.strerror}.") from error
        click.echo(f"{count} {resource} exported to {output}.")


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    pairs = [text.rpartition("=") for text in given]
    if not all(column and name for column, _, name in pairs):
        raise click.UsageError("Say --map COLUMN=FIELD.")
    return {column: name for column, _, name in pairs}


def _delimiter(given: str) -> str:
    found = {"tab": "\t", "\\t": "\t"}.get(given, given)
    if len(found) > 1 or found in {'"', "\n", "\r", "\0"}:
        raise click.UsageError("Say --delimiter with one character, or tab.")
    return found


def _notice(text: str) -> None:
    click.echo(text, err=True)
