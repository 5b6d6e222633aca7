"""Opens the SQLite file and hands out one transaction at a time."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The fields of a record are one JSON column, so a new resource is a declaration and no change here.
# Rows of records are never removed (a tombstone stays), so max(number) + 1 never gives a number twice.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    number INTEGER PRIMARY KEY,
    resource TEXT NOT NULL,
    external_id TEXT,
    version INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    updated_at TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    fields TEXT NOT NULL,
    merged_into INTEGER
);
CREATE UNIQUE INDEX IF NOT EXISTS records_by_change ON records (resource, seq);
CREATE INDEX IF NOT EXISTS records_by_time ON records (resource, updated_at, seq);
CREATE INDEX IF NOT EXISTS records_by_external_id ON records (resource, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS answers (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    answer TEXT NOT NULL,
    given_at REAL NOT NULL,
    PRIMARY KEY (scope, key)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS answers_by_age ON answers (given_at);

CREATE TABLE IF NOT EXISTS webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    url TEXT NOT NULL UNIQUE,
    secret TEXT NOT NULL,
    resources TEXT,
    created_at TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook INTEGER NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    message_id TEXT NOT NULL,
    lane TEXT NOT NULL,
    state TEXT NOT NULL,
    due REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    outcome TEXT NOT NULL DEFAULT '',
    crm_id TEXT NOT NULL,
    event TEXT NOT NULL,
    created_at TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_by_due ON deliveries (due, id) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS deliveries_by_lane ON deliveries (lane, id) WHERE state = 'waiting';
CREATE INDEX IF NOT EXISTS deliveries_by_webhook ON deliveries (webhook);

CREATE TABLE IF NOT EXISTS signing_keys (id INTEGER PRIMARY KEY CHECK (id = 1), key BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS spent_tokens (id TEXT PRIMARY KEY, expires_at REAL NOT NULL) WITHOUT ROWID;
"""


class Store:
    """One connection behind one lock: faster here than many that wait for each other inside SQLite."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
        self._db.execute("PRAGMA busy_timeout = 5000")
        self._db.execute("PRAGMA journal_mode = WAL")
        # A commit is in the operating system's hands, so kill -9 of this process loses nothing. Only a power
        # failure could, which a stand-in for somebody else's CRM may take for its speed.
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.executescript(_SCHEMA)
        self._add_what_is_new()

    def _add_what_is_new(self) -> None:
        """Bring a file up to date that was made before records could be merged."""
        columns = {name for _, name, *_ in self._db.execute("PRAGMA table_info(records)")}
        if "merged_into" not in columns:
            self._db.execute("ALTER TABLE records ADD COLUMN merged_into INTEGER")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            yield self._db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: committed at the end, rolled back on any error."""
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def close(self) -> None:
        with self._lock:
            self._db.close()
