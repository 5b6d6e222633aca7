"""Keeps the queries on records."""

import json
import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Condition = tuple[str, list[Any]]
"""SQL, and the values in it."""

_CRM_ID = re.compile(r"CRM([1-9][0-9]{0,17})", re.ASCII)
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_NEXT_SEQ = "SELECT coalesce(max(seq), 0) + 1 FROM records WHERE resource = ?"
_COLUMNS = "number, external_id, version, updated_at, deleted, fields, merged_into"
_INSERT = f"""
INSERT INTO records (number, seq, resource, external_id, version, updated_at, deleted, fields)
VALUES ((SELECT coalesce(max(number), 1000) + 1 FROM records), ({_NEXT_SEQ}), ?, ?, ?, ?, ?, ?)
"""  # noqa: S608 - constants
_UPDATE = f"""
UPDATE records SET seq = ({_NEXT_SEQ}), external_id = ?, version = ?, updated_at = ?, deleted = ?, fields = ?,
    merged_into = ?
WHERE number = ?
"""  # noqa: S608 - constants
_FEED = """
SELECT seq, updated_at,
    '{"crm_id":"CRM' || number || '","external_id":' || json_quote(external_id) || ',"version":' || version
    || ',"updated_at":"' || updated_at || '","deleted":' || iif(deleted, 'true', 'false')
    || iif(merged_into IS NULL, '', ',"merged_into":"CRM' || merged_into || '"') || ',' || substr(fields, 2)
FROM records
"""


@dataclass(slots=True)
class Record:
    number: int
    external_id: str | None
    version: int
    updated_at: str
    deleted: bool
    fields: dict[str, Any]
    merged_into: int | None = None
    """The number of the record that a deleted one lives on in."""

    @property
    def crm_id(self) -> str:
        return f"CRM{self.number}"

    def fate(self) -> dict[str, Any]:
        """Where a merged record went, as callers are told it; nothing for any other."""
        return {} if self.merged_into is None else {"merged_into": f"CRM{self.merged_into}"}

    def about(self) -> dict[str, Any]:
        """All but the fields."""
        return {
            "crm_id": f"CRM{self.number}",
            "external_id": self.external_id,
            "version": self.version,
            "updated_at": self.updated_at,
            "deleted": self.deleted,
            **self.fate(),
        }

    def as_json(self) -> dict[str, Any]:
        return {**self.about(), **self.fields}


def _records(rows: Iterable[tuple[Any, ...]]) -> list[Record]:
    return [
        Record(number, external_id, version, updated_at, bool(deleted), json.loads(fields), merged_into)
        for number, external_id, version, updated_at, deleted, fields, merged_into in rows
    ]


def insert(db: sqlite3.Connection, resource: str, record: Record) -> None:
    """Store a new record at the end of the feed, and give it its number."""
    values = (record.external_id, record.version, record.updated_at, record.deleted, _text(record))
    record.number = db.execute(_INSERT, (resource, resource, *values)).lastrowid or 0


def update(db: sqlite3.Connection, resource: str, record: Record) -> None:
    """Store a changed record, and move it to the end of the feed."""
    values = (record.external_id, record.version, record.updated_at, record.deleted, _text(record), record.merged_into)
    db.execute(_UPDATE, (resource, *values, record.number))


def _text(record: Record) -> str:
    return _encode(record.fields)


def last_seq(db: sqlite3.Connection, resource: str) -> int:
    (seq,) = db.execute("SELECT coalesce(max(seq), 0) FROM records WHERE resource = ?", (resource,)).fetchone()
    return int(seq)


def seq_before(db: sqlite3.Connection, resource: str, stamp: str) -> int:
    """The place in the feed after which everything changed at or after a time is found."""
    (seq,) = db.execute(
        "SELECT min(seq) FROM records WHERE resource = ? AND updated_at >= ?", (resource, stamp)
    ).fetchone()
    return last_seq(db, resource) if seq is None else int(seq) - 1


def find(db: sqlite3.Connection, resource: str, crm_id: str, *, deleted: bool = False) -> Record | None:
    """The record with that id; a deleted one only if asked for."""
    match = _CRM_ID.fullmatch(crm_id)
    if match is None:
        return None
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM records WHERE number = ? AND resource = ? AND deleted <= ?",  # noqa: S608 - constants
        (int(match[1]), resource, deleted),
    )
    return next(iter(_records(rows)), None)


def find_by_external_id(db: sqlite3.Connection, resource: str, external_id: str, limit: int = 1000) -> list[Record]:
    """Live records, oldest first: nothing keeps two from having the same external_id."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM records WHERE resource = ? AND external_id = ? AND NOT deleted"  # noqa: S608 - constants
        " ORDER BY number LIMIT ?",
        (resource, external_id, limit),
    )
    return _records(rows)


def changed_after(db: sqlite3.Connection, resource: str, seq: int, limit: int) -> list[tuple[int, str, str]]:
    """The change feed, tombstones included, in the order of the changes: place, time and the record as JSON.

    SQLite puts the JSON together from the stored one: a page is the largest answer there is, and this makes it cheap.
    """
    return db.execute(f"{_FEED} WHERE resource = ? AND seq > ? ORDER BY seq LIMIT ?", (resource, seq, limit)).fetchall()


def search(
    db: sqlite3.Connection, resource: str, text: str, *, deleted: bool, limit: int, offset: int
) -> tuple[list[Record], int]:
    """What people find by typing: newest first, and how many there are in all."""
    where = "deleted <= ?"
    values: list[Any] = [deleted]
    if text:
        pattern = "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"
        where += (
            " AND ('CRM' || number LIKE ? ESCAPE '\\' OR external_id LIKE ? ESCAPE '\\'"
            " OR EXISTS (SELECT 1 FROM json_tree(fields) WHERE atom LIKE ? ESCAPE '\\'"
            " AND type IN ('text', 'integer', 'real')))"
        )
        values += [pattern] * 3
    return _part(db, resource, [(where, values)], "DESC", limit, offset)


def listing(
    db: sqlite3.Connection, resource: str, wanted: Iterable[Condition], *, limit: int, offset: int
) -> tuple[list[Record], int]:
    """Live records that meet every condition: oldest first, and how many there are in all."""
    return _part(db, resource, [("NOT deleted", []), *wanted], "ASC", limit, offset)


def equals(name: str, value: Any) -> Condition:
    """The condition that a field is this value; null stands for every way of being empty."""
    if value is None or value in ("", [], {}):
        return "coalesce(json_extract(fields, ?), '') IN ('', '[]', '{}')", [_path(name)]
    return "json_extract(fields, ?) = ?", [_path(name), _encode(value) if isinstance(value, dict) else value]


def holds(name: str, value: Any) -> Condition:
    """The condition that a list has this value among its own."""
    return "EXISTS (SELECT 1 FROM json_each(fields, ?) WHERE value = ?)", [_path(name), value]


def either(conditions: Iterable[list[Condition]]) -> Condition:
    """The condition that all of one list are met, or all of another."""
    found = [_all(each) for each in conditions]
    return " OR ".join(f"({text})" for text, _ in found), [value for _, values in found for value in values]


def _all(conditions: Iterable[Condition]) -> Condition:
    found = list(conditions)
    return " AND ".join(f"({text})" for text, _ in found), [value for _, values in found for value in values]


def _path(name: str) -> str:
    return f'$."{name}"'


def _part(
    db: sqlite3.Connection, resource: str, wanted: list[Condition], order: str, limit: int, offset: int
) -> tuple[list[Record], int]:
    where, values = _all([("resource = ?", [resource]), *wanted])
    (total,) = db.execute(f"SELECT count(*) FROM records WHERE {where}", values).fetchone()  # noqa: S608 - constants
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM records WHERE {where} ORDER BY number {order} LIMIT ? OFFSET ?",  # noqa: S608 - constants
        [*values, limit, offset],
    )
    return _records(rows), int(total)


def counts(db: sqlite3.Connection, resource: str) -> dict[str, int]:
    live, deleted = db.execute(
        "SELECT count(*) FILTER (WHERE NOT deleted), count(*) FILTER (WHERE deleted) FROM records WHERE resource = ?",
        (resource,),
    ).fetchone()
    return {"live": live, "deleted": deleted}
