"""All live records of a resource as CSV or NDJSON, a page at a time: what comes out goes back in as it was.

Except that CSV has one form for no value and for an empty text: both come back as no value. NDJSON keeps them apart.
"""

import csv
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from app.core.db import reading
from app.core.kinds import format_time
from app.core.record import Record
from app.core.resource import Resource
from app.services.files.cells import guard, text_of
from app.services.files.tabular import Kind
from app.store import bulk

PAGE = 1000
Shown = dict[str, Any]


def everything(resource: Resource, *, status: str | None = None, with_sync: bool = False) -> Iterator[Shown]:
    """Return every live record in order of id. Each page is a short read, so writers never wait for an export."""
    after = ""
    while True:
        with reading() as connection:
            page = bulk.live_after(connection, resource, after, PAGE, status=status)
        yield from (_shown(record, with_sync=with_sync) for record in page)
        if not page:
            return
        after = page[-1].id


def columns(resource: Resource, *, with_sync: bool) -> list[str]:
    sync = ["crm_id", "sync_status", "version", "created_at", "last_updated"]
    return ["id", *resource.fields, *(sync if with_sync else [])]


def _shown(record: Record, *, with_sync: bool) -> Shown:
    shown = {"id": record.id, **record.fields}
    if with_sync:
        shown |= {
            "crm_id": record.crm_id,
            "sync_status": record.status,
            "version": record.version,
            "created_at": format_time(record.created_at),
            "last_updated": format_time(record.last_updated),
        }
    return shown


def write(out: TextIO, kind: Kind, names: list[str], rows: Iterator[Shown]) -> int:
    """Write rows, and a header where there is one; return how many rows. `out` must leave line ends alone."""
    return _write_csv(out, names, rows) if kind == "csv" else _write_ndjson(out, rows)


def _write_csv(out: TextIO, names: list[str], rows: Iterator[Shown]) -> int:
    writer, count = csv.writer(out), 0
    writer.writerow(names)
    for count, row in enumerate(rows, 1):  # noqa: B007  (the last one is the number of them)
        writer.writerow([guard(text_of(row[name])) for name in names])
    return count


def _write_ndjson(out: TextIO, rows: Iterator[Shown]) -> int:
    count = 0
    for count, row in enumerate(rows, 1):  # noqa: B007
        out.write(json.dumps(row, ensure_ascii=False) + "\n")
    return count


def to_file(path: Path, write_to: Callable[[TextIO], int]) -> int:
    """Write a file that is there whole or not at all; return what `write_to` does."""
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as out:
            count = write_to(out)
            out.flush()
            os.fsync(out.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return count
