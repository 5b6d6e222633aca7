"""The rows of a file that did not go in, as they were, with their line and the reason; made when there is one."""

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

from app.services.files.tabular import Row, Table

ADDED = ("line", "reason")


class Rejects:
    """Writes rejected rows to a file of the same kind. `kept` bytes of an earlier part of this import stay."""

    def __init__(self, path: Path, table: Table, *, kept: int = 0) -> None:
        self.path = path
        self._table = table
        self._kept = kept
        self._text: io.TextIOWrapper | None = None

    def write(self, row: Row, reason: str) -> None:
        text = self._text or self._open()
        if self._table.kind == "csv":
            csv.writer(text, delimiter=self._table.delimiter).writerow(self._cells(row, reason))
        else:
            text.write(json.dumps(_object(row, reason), ensure_ascii=False) + "\n")

    def sync(self) -> int:
        """Make sure that everything is on the disk; return the size of the file."""
        if self._text is None:
            return self._kept
        self._text.flush()
        os.fsync(self._text.fileno())
        return os.fstat(self._text.fileno()).st_size

    def close(self) -> None:
        if self._text is not None:
            self._text.close()

    def _open(self) -> io.TextIOWrapper:
        goes_on = self._kept > 0 and self.path.exists()
        file = self.path.open("r+b" if goes_on else "wb")
        if goes_on:
            file.truncate(self._kept)
            file.seek(0, os.SEEK_END)
        # Half a surrogate pair, which only JSON can hold, goes back to the escape it came as.
        self._text = io.TextIOWrapper(file, "utf-8", errors="backslashreplace", newline="")
        if self._table.kind == "csv" and not goes_on:
            csv.writer(self._text, delimiter=self._table.delimiter).writerow([*self._table.header, *ADDED])
        return self._text

    def _cells(self, row: Row, reason: str) -> list[Any]:
        cells = row.original if isinstance(row.original, list) else [row.original]
        missing = len(self._table.header) - len(cells)
        return [*cells, *[""] * missing, row.line, reason]


def _object(row: Row, reason: str) -> dict[str, Any]:
    original = row.original if isinstance(row.original, dict) else {"text": row.original}
    return {**original, "line": row.line, "reason": reason}
