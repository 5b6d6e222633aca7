"""What a rehearsed import would have stored: in a file that SQLite makes for us and takes away with us.

On disk, so that a rehearsal of any length needs no more memory than a short one; never in the database of the service.
"""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from typing import Any

Keys = Mapping[str, list[str]]


class Rehearsed:
    """Fields of records that were not stored, found by the compared forms of their unique fields."""

    def __init__(self) -> None:
        self._connection = sqlite3.connect("", isolation_level=None)
        self._connection.execute("CREATE TABLE records (id TEXT PRIMARY KEY, fields TEXT) WITHOUT ROWID")
        self._connection.execute(
            "CREATE TABLE holders (field TEXT, key TEXT, id TEXT, PRIMARY KEY (field, key)) WITHOUT ROWID"
        )

    def close(self) -> None:
        self._connection.close()

    def put(self, record_id: str, fields: dict[str, Any], keys: Keys) -> None:
        """Take in a record as it would now be."""
        rows = [(name, key, record_id) for name, found in keys.items() for key in found]
        with closing(self._connection.cursor()) as cursor:
            cursor.execute("INSERT OR REPLACE INTO records VALUES (?, ?)", (record_id, json.dumps(fields)))
            cursor.executemany("INSERT OR REPLACE INTO holders VALUES (?, ?, ?)", rows)

    def find(self, keys: Keys) -> dict[str, dict[str, Any]]:
        """Return the fields of records that hold one of these keys, by their id."""
        query = "SELECT id, fields FROM holders JOIN records USING (id) WHERE field = ? AND key = ?"
        with closing(self._connection.cursor()) as cursor:
            pairs = [(name, key) for name, found in keys.items() for key in found]
            rows = [row for pair in pairs for row in cursor.execute(query, pair)]
        return {record_id: json.loads(fields) for record_id, fields in rows}
