"""What an import has on the disk: the file it reads, how far it came, and what it rejected."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.core.errors import Invalid
from app.core.resource import Resource
from app.services.files import charsets, tabular
from app.services.files.columns import Names
from app.services.files.progress import FILE, Noted, Progress, fingerprint
from app.services.files.rejects import Rejects
from app.services.files.tabular import KINDS, Kind, Table

STDIN = Path("-")
Say = Callable[[str], None]
"""Tells a person something that is no error."""


@dataclass(frozen=True)
class Order:
    """What is asked for: a file, how to read it, and what to do with its rows. `columns` is column → field."""

    file: Path
    resource: Resource
    columns: Mapping[str, str]
    kind: Kind | None = None
    encoding: str | None = None
    delimiter: str = ""
    rejected: Path | None = None
    dry_run: bool = False
    update: bool = False
    restart: bool = False

    @property
    def is_stream(self) -> bool:
        """Tell whether the rows come from a pipe, which has no second time."""
        return self.file == STDIN or not self.file.is_file()

    def beside(self, ending: str) -> Path:
        return Path(f"{'import' if self.is_stream else self.file}{ending}")


@dataclass(frozen=True)
class Files:
    """An import that can begin, or go on after what is `noted`. There is no progress where nothing can go on."""

    table: Table
    rejects: Rejects
    progress: Progress | None
    noted: Noted


@contextmanager
def opened(order: Order, standard_input: BinaryIO) -> Iterator[BinaryIO]:
    """Open a file that is read more than once; what comes from a pipe is put on the disk first."""
    with nullcontext(standard_input) if order.file == STDIN else order.file.open("rb") as file:
        if not order.is_stream:
            yield file
            return
        with tempfile.TemporaryFile() as copy:
            shutil.copyfileobj(file, copy)
            yield copy


def size(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def prepare(order: Order, file: BinaryIO, say: Say, new_id: str) -> Files:
    """Find out how to read a file and where to go on. Nothing is stored yet. Raises Invalid.

    `new_id` is what the ids of its records are made from, should it begin.
    """
    kind = order.kind or KINDS.get(order.file.suffix.lower())
    if kind is None:
        raise Invalid("Say --format csv or --format ndjson: the name of the file does not.")
    path = _rejected_path(order, kind)
    progress = _progress(order, file, kind)
    noted = Noted() if progress is None else Noted(ids=new_id) if order.restart else progress.resume(new_id)
    table = _table(order, file, kind, say)
    if noted.counts.rows:
        say(f"Goes on after row {noted.counts.rows}, where an earlier import stopped.")
    elif order.rejected is None:
        path.unlink(missing_ok=True)  # of an earlier import: it would seem to be of this one
    if progress is not None:
        progress.note(noted)  # before anything is stored: it must be possible
    return Files(table, Rejects(path, table, kept=noted.rejected_bytes), progress, noted)


def say_ignored(table: Table, say: Say) -> None:
    if table.ignored:
        say(f"Ignored columns: {', '.join(name or '(no name)' for name in table.ignored)}.")


def _table(order: Order, file: BinaryIO, kind: Kind, say: Say) -> Table:
    names = Names(order.resource, order.columns)
    encoding = charsets.detect(file, order.encoding)
    if encoding == charsets.FALLBACK and not order.encoding:
        say(f"The file is not UTF-8: read as {encoding}. Say --encoding where that is wrong.")
    table = tabular.read(file, kind, encoding, order.resource, names, order.delimiter)
    say_ignored(table, say)  # of NDJSON they are known at the end
    return table


def _progress(order: Order, file: BinaryIO, kind: Kind) -> Progress | None:
    if order.is_stream or order.dry_run:
        return None
    about = {
        FILE: fingerprint(file),
        "resource": order.resource.name,
        "format": kind,
        "delimiter": order.delimiter,
        "encoding": order.encoding,
        "mapping": dict(order.columns),
        "update": order.update,
        "rejected": None if order.rejected is None else str(order.rejected),
    }
    return Progress(order.beside(".progress"), about)


def _rejected_path(order: Order, kind: Kind) -> Path:
    path = order.rejected or order.beside(f".rejected.{kind}")
    is_the_file = not order.is_stream and path.exists() and path.samefile(order.file)
    if is_the_file or not path.parent.is_dir():
        raise Invalid(f"Rejected rows cannot be written to {path}.")
    if order.dry_run and order.rejected is None and order.beside(".progress").exists():
        raise Invalid(
            f"An import of this file stopped half-way, and {path} is part of it. Name another with --rejected."
        )
    return path
