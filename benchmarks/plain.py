"""The simplest code that does the same I/O as a run of ours: requests, json and the driver of the database."""

import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import requests

KEY = {"X-API-Key": "demo-api-key"}
TABLE = "CREATE TABLE {} (crm_id TEXT PRIMARY KEY, name TEXT, email TEXT, phone TEXT, version INTEGER, updated_at TEXT)"
COLUMNS = ("crm_id", "name", "email", "phone", "version", "updated_at")


def pages(session: requests.Session, url: str) -> Iterator[list[dict[str, Any]]]:
    """Read the change feed to its end."""
    cursor, more = None, True
    while more:
        asked = {"limit": "1000", **({"updated_since": cursor} if cursor else {})}
        answer = session.get(f"{url}/crm/users", params=asked, headers=KEY, timeout=30)
        page = json.loads(answer.content)
        cursor, more = page["next_cursor"], page["has_more"]
        yield page["items"]


def listing(url: str) -> float:
    """Read all pages, and do nothing with them; return the seconds it took."""
    begun = time.perf_counter()
    with requests.Session() as session:
        assert sum(len(page) for page in pages(session, url)) > 0
    return time.perf_counter() - begun


def pull_sqlite(url: str, path: Path) -> float:
    """Read all pages into one table, a transaction each; return the seconds it took."""
    floor = sqlite3.connect(path, isolation_level=None)
    floor.execute("PRAGMA journal_mode=WAL")
    floor.execute("PRAGMA synchronous=FULL")
    floor.execute(TABLE.format("floor"))
    begun = time.perf_counter()
    with requests.Session() as session:
        for page in pages(session, url):
            floor.execute("BEGIN IMMEDIATE")
            floor.executemany("INSERT OR REPLACE INTO floor VALUES (?, ?, ?, ?, ?, ?)", _rows(page))
            floor.execute("COMMIT")
    taken = time.perf_counter() - begun
    floor.close()
    return taken


def pull_postgresql(url: str, dsn: str) -> float:
    """Do the same with psycopg; return the seconds it took."""
    put = "INSERT INTO floor VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (crm_id) DO UPDATE SET "
    put += ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[1:])
    with psycopg.connect(dsn) as floor, requests.Session() as session:
        floor.execute("DROP TABLE IF EXISTS floor")
        floor.execute(TABLE.format("floor"))
        floor.commit()
        begun = time.perf_counter()
        for page in pages(session, url):
            with floor.cursor() as cursor:
                cursor.executemany(put, _rows(page))
            floor.commit()
        taken = time.perf_counter() - begun
        floor.execute("DROP TABLE floor")
    return taken


def _rows(page: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [tuple(item[name] for name in COLUMNS) for item in page]


def push_one_by_one(url: str, path: Path, drafts: list[dict[str, str]]) -> float:
    """Send records one after the other, and note of each who it is in the CRM; return the seconds it took."""
    floor = sqlite3.connect(path, isolation_level=None)
    floor.execute("PRAGMA journal_mode=WAL")
    floor.execute("PRAGMA synchronous=FULL")
    floor.execute("CREATE TABLE floor (id INTEGER PRIMARY KEY, crm_id TEXT)")
    floor.executemany("INSERT INTO floor VALUES (?, NULL)", [(place,) for place in range(len(drafts))])
    begun = time.perf_counter()
    with requests.Session() as session:
        session.headers.update(KEY)
        for place, draft in enumerate(drafts):
            answer = session.post(f"{url}/crm/users", json={**draft, "external_id": f"floor-{place}"}, timeout=30)
            floor.execute("UPDATE floor SET crm_id = ? WHERE id = ?", (answer.json()["crm_id"], place))
    taken = time.perf_counter() - begun
    floor.close()
    return taken
