"""Rows out of CSV and NDJSON files, one at a time: each says where it stood, what it holds and what is wrong."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, BinaryIO, Final, Literal, TextIO

from app.core import strict_json
from app.core.errors import Invalid
from app.core.record import Fields
from app.core.resource import Resource
from app.core.strict_json import Unfit
from app.services.files.cells import unguard
from app.services.files.columns import Names

Kind = Literal["csv", "ndjson"]
KINDS: Final[dict[str, Kind]] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
}
DELIMITERS = ",;\t|"
LONGEST = 1024 * 1024
"""Characters in one line."""
MOST_NAMES = 100
"""Names of unknown columns that are remembered."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `original` is what the file has: cells, an object, or the text where it is neither."""

    line: int
    original: list[str] | dict[str, Any] | str
    fields: Fields
    problem: str | None = None


@dataclass
class Table:
    """An open file: its rows, read as they are asked for, and what was found out about it."""

    kind: Kind
    lines: "Lines"
    rows: Iterator[Row] = field(default_factory=lambda: iter(()))
    header: list[str] = field(default_factory=list)
    delimiter: str = ","
    ignored: dict[str, None] = field(default_factory=dict)


class TooLong(csv.Error):
    """A line that no record can be."""


class Lines:
    """The lines of a text, counted; those of the row that is being read are kept."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self.count = 0
        self.of_row: list[str] = []

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        line = self._text.readline(LONGEST)
        if not line:
            raise StopIteration
        self.count += 1
        self.of_row.append(line)
        if len(line) == LONGEST and not line.endswith(("\n", "\r")):
            while (more := self._text.readline(LONGEST)) and not more.endswith(("\n", "\r")):
                pass
            raise TooLong(f"the line is longer than {LONGEST} characters")
        return line


def read(file: BinaryIO, kind: Kind, encoding: str, resource: Resource, names: Names, delimiter: str = "") -> Table:
    """Open the rows of a file from its beginning. Raises Invalid when its columns cannot be records."""
    file.seek(0)
    lines = Lines(io.TextIOWrapper(file, encoding, newline=""))
    return _csv(lines, resource, names, delimiter) if kind == "csv" else _ndjson(lines, names)


# ── CSV (RFC 4180) ───────────────────────────────────────────────────────────────────────────────────────────────


def _csv(lines: Lines, resource: Resource, names: Names, delimiter: str) -> Table:
    header, delimiter = _header(lines, delimiter)
    fields = names.match(header)
    unknown = [column for column, name in zip(header, fields, strict=True) if name is None]
    table = Table("csv", lines, header=header, delimiter=delimiter, ignored=dict.fromkeys(unknown[:MOST_NAMES]))
    table.rows = _csv_rows(lines, table, resource, fields)
    return table


def sniff(line: str) -> str:
    """Return the delimiter that makes the most columns of a header; the first of them when two make as many."""
    return max(DELIMITERS, key=lambda one: len(next(csv.reader([line], delimiter=one), [])))


def _header(lines: Lines, delimiter: str) -> tuple[list[str], str]:
    try:
        first = next((line for line in lines if line.strip()), "")
        delimiter = delimiter or sniff(first)
        header = next(csv.reader(chain([first], lines), delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise Invalid(f"The first line is no header: {_reason(error)}.") from error
    if not header:
        raise Invalid("The file is empty.")
    return header, delimiter


def _csv_rows(lines: Lines, table: Table, resource: Resource, fields: list[str | None]) -> Iterator[Row]:
    # Strict: what a quote gone wrong makes of a row is not what anybody wrote. The reader goes on after an error.
    reader = csv.reader(lines, delimiter=table.delimiter, strict=True)
    while True:
        line, lines.of_row = lines.count + 1, []
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Row(line, "".join(lines.of_row), {}, f"Not CSV: {_reason(error)}.")
            continue
        if not any(cells):
            continue  # a line with nothing on it
        if len(cells) != len(table.header):
            yield Row(line, cells, {}, f"It has {len(cells)} cells, the header has {len(table.header)}.")
            continue
        found = {name: unguard(cell) for name, cell in zip(fields, cells, strict=True) if name is not None}
        yield Row(line, cells, _values(resource, found))


def _values(resource: Resource, cells: dict[str, str]) -> dict[str, Any]:
    """Return what the cells say: an empty one says that there is no value, or leaves a field at its default."""
    values: dict[str, Any] = {}
    for name, text in cells.items():
        field = resource.fields[name]
        if text:
            values[name] = field.kind.from_text(text)
        elif field.nullable or field.default is None:
            values[name] = None if field.nullable else text
    return values


def _reason(error: csv.Error) -> str:
    return "a quoted cell does not end" if "unexpected end" in str(error) else str(error)


# ── NDJSON: a JSON object (RFC 8259) a line ──────────────────────────────────────────────────────────────────────


def _ndjson(lines: Lines, names: Names) -> Table:
    table = Table("ndjson", lines)
    table.rows = _ndjson_rows(lines, names, table.ignored)
    return table


def _ndjson_rows(lines: Lines, names: Names, ignored: dict[str, None]) -> Iterator[Row]:
    while True:
        lines.of_row = []
        try:
            line = next(lines)
            if line.strip():
                yield _object(lines.count, strict_json.parse(line), names, ignored)
        except StopIteration:
            return
        except (ValueError, TooLong) as error:
            yield Row(lines.count, "".join(lines.of_row).rstrip("\r\n"), {}, _why(error))


def _object(line: int, found: Any, names: Names, ignored: dict[str, None]) -> Row:
    if not isinstance(found, dict):
        return Row(line, json.dumps(found), {}, "It is not a JSON object.")
    fields: Fields = {}
    for column, value in found.items():
        name = names.field(column)
        if name in fields:
            return Row(line, found, {}, f"It has {name} twice.")
        if name is not None:
            fields[name] = value
        elif len(ignored) < MOST_NAMES:
            ignored[column] = None
    return Row(line, found, fields)


def _why(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"Not JSON: {error.msg} at character {error.pos + 1}."
    return f"It {error}." if isinstance(error, Unfit) else f"Not JSON: {error}."
