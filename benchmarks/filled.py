"""A database that is in step with a canned CRM, filled by SQL: the rows that a first pull of as many users leaves."""

import sqlite3
import time

import psycopg

from benchmarks import people
from benchmarks.canned import PAGE, cursor
from benchmarks.databases import Database

SQLITE = {
    "numbers": "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})",
    "id": "printf('0194%04x-%04x-7000-8000-%012x', n >> 16, n & 65535, n)",
    "four": "printf('%04d', n % 10000)",
    "moment": "strftime('%Y-%m-%d %H:%M:%S.000000', {epoch} + n, 'unixepoch')",
    "stamp": "strftime('%Y-%m-%dT%H:%M:%S.000Z', {epoch} + n, 'unixepoch')",
    "json": "json_object",
    "list": "json_array",
    "json_text": "",
    "words": "",
}
POSTGRESQL = {
    "numbers": "WITH numbers(n) AS (SELECT generate_series(1, {count})::bigint)",
    "id": "'0194' || lpad(to_hex(n >> 16), 4, '0') || '-' || lpad(to_hex(n & 65535), 4, '0') || '-7000-8000-'"
    " || lpad(to_hex(n), 12, '0')",
    "four": "lpad((n % 10000)::text, 4, '0')",
    "moment": "to_timestamp({epoch} + n)",
    "stamp": "to_char(to_timestamp({epoch} + n) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.000\"Z\"')",
    "json": "jsonb_build_object",
    "list": "jsonb_build_array",
    "json_text": "::jsonb",
    "words": "::tsvector",
}
PHONE = "'+1 212 555 ' || {four}"
FIELDS = "{json}('name', 'User ' || n, 'email', 'user' || n || '@example.com', 'phone', " + PHONE + ")"
STAMPS = "{json}('name', {list}(1, {stamp}), 'email', {list}(1, {stamp}), 'phone', {list}(1, {stamp}))"
NEW = (
    "{json}('name', {list}(null, 'User ' || n), 'email', {list}(null, 'user' || n || '@example.com'), 'phone', "
    "{list}(null, " + PHONE + "))"
)
WORDS = "'_users user ' || n || ' user' || n || ' example com 1 212 555 ' || {four} || ' 1212555' || {four}"
INTO = (
    "INSERT INTO users (id, name, email, email_key, phone, sync_status, crm_id, version, created_at, last_updated)"
    " {numbers} SELECT {id}, 'User ' || n, 'user' || n || '@example.com', 'user' || n || '@example.com', "
    + PHONE
    + ", 'synced', 'CRM' || ({first} + n), 1, {moment}, {moment} FROM numbers",
    (
        "INSERT INTO crm_copies (resource, record_id, crm_id, fields, version, stamps, same_as, held, deleted, former)"
        " {numbers} SELECT 'users', {id}, 'CRM' || ({first} + n), "
        f"{FIELDS}, 1, {STAMPS}, "
        "'{{}}'{json_text}, '[]'{json_text}, 0, '[]'{json_text} FROM numbers"
    ),
    "INSERT INTO journal (resource, record_id, version, at, origin, changes) {numbers}"
    " SELECT 'users', {id}, 1, {moment}, 'pull', " + NEW + " FROM numbers",
    "INSERT INTO search_entries (resource, record_id, place, title, words) {numbers} SELECT 'users', {id},"
    " (({epoch} + n) * 1000) << 21, ('user ' || n){words}, (" + WORDS + "){words} FROM numbers",
)
SET_CURSOR = "INSERT INTO cursors (resource, cursor, pulled_at) VALUES ('users', '{}', '{}')"


def fill(database: Database, count: int) -> float:
    """Put users 1 to `count` in, with the cursor where their pull leaves it; return the seconds it took."""
    begun = time.perf_counter()
    statements = [_sql(SQLITE if database.is_sqlite else POSTGRESQL, text, count) for text in INTO]
    statements.append(SET_CURSOR.format(cursor(count - PAGE), "2025-02-01 00:00:00.000000"))
    if database.is_sqlite:
        _fill_sqlite(database, statements)
    else:
        with psycopg.connect(database.dsn, autocommit=True) as connection:
            for statement in [*statements, "VACUUM ANALYZE users, crm_copies, journal, search_entries"]:
                connection.execute(statement.encode())
    return time.perf_counter() - begun


def _fill_sqlite(database: Database, statements: list[str]) -> None:
    connection = sqlite3.connect(database.path, isolation_level=None)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-200000"):
        connection.execute(f"PRAGMA {pragma}")
    for statement in statements:
        connection.execute(statement)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


def rewind(database: Database, count: int) -> None:
    """Set the cursor back to where the pull of the first `count` left it."""
    statement = f"UPDATE cursors SET cursor = '{cursor(count - PAGE)}'"
    if database.is_sqlite:
        connection = sqlite3.connect(database.path, isolation_level=None, timeout=10)
        connection.execute(statement)
        connection.close()
    else:
        with psycopg.connect(database.dsn) as served:
            served.execute(statement.encode())


def _sql(words: dict[str, str], text: str, count: int) -> str:
    about = {"count": count, "epoch": int(people.EPOCH.timestamp()), "first": people.FIRST}
    return text.format(**about, **{name: word.format(**about) for name, word in words.items()})
