"""How far an import has come, in a file beside the one it reads, so that it goes on after whatever stopped it."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from app.core.errors import Invalid

HEAD = 64 * 1024
FILE = "file"
LINE_DIGITS = 10
"""Of an id, in hexadecimal: a trillion lines."""


@dataclass
class Counts:
    """What became of the rows so far."""

    rows: int = 0
    created: int = 0
    updated: int = 0
    already_there: int = 0
    rejected: int = 0


@dataclass(frozen=True)
class Noted:
    """What was noted after a chunk: the counts, and the size of the file of rejected rows, in bytes.

    `ids` is a UUID from which the ids of its records are made, row by row: a chunk that was stored and not noted is
    known again by them. An import that cannot go on has none.
    """

    counts: Counts = field(default_factory=Counts)
    rejected_bytes: int = 0
    ids: str = ""

    def id_of(self, line: int) -> str:
        """Return the id of the record that a line becomes: a UUIDv7 (RFC 9562), in the order of the lines."""
        return f"{self.ids[:-LINE_DIGITS]}{line:0{LINE_DIGITS}x}"


def fingerprint(file: BinaryIO) -> dict[str, Any]:
    """Return what tells one file from another: the hash of its first 64 KB, and its size."""
    file.seek(0)
    head = hashlib.sha256(file.read(HEAD)).hexdigest()
    return {"sha256": head, "size": file.seek(0, os.SEEK_END)}


class Progress:
    """The side file of one import. `about` says which import that is: the file and how it is read."""

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        self._path = path
        self._about = about

    def resume(self, new_id: str) -> Noted:
        """Return where an earlier import stopped, or the beginning. Raises Invalid when that was another import."""
        if not self._path.exists():
            return Noted(ids=new_id)
        try:
            found = json.loads(self._path.read_text("utf-8"))
            about = found["about"]
            noted = Noted(Counts(**found["counts"]), int(found["rejected_bytes"]), str(found["ids"]))
        except (ValueError, KeyError, TypeError) as error:
            raise Invalid(f"{self._path} cannot be read. Say --restart to begin anew.") from error
        if noted.counts.rows and about != self._about:
            differ = sorted(name for name in {*about, *self._about} if about.get(name) != self._about.get(name))
            what = "The file has changed" if FILE in differ else f"It is asked for with another {', '.join(differ)}"
            raise Invalid(
                f"{what} since this import was begun and stopped after {noted.counts.rows} rows ({self._path}). "
                "Say --restart to begin anew: rows with a unique value that is there already are not doubled."
            )
        return noted

    def note(self, noted: Noted) -> None:
        """Write down what is done: whole, or not at all. Raises Invalid when that is not possible."""
        said = {"about": self._about, **asdict(noted)}
        part = self._path.with_name(f"{self._path.name}.part")
        try:
            with part.open("w", encoding="utf-8") as file:
                json.dump(said, file, ensure_ascii=False)
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._path)
        except OSError as error:
            raise Invalid(f"{self._path} cannot be written: {error.strerror}.") from error

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)
