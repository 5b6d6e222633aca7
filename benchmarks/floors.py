"""The floors of the HTTP benches: the least Flask that stores and reads a user, under gunicorn's own gthread.

`FLOOR_DATABASE` is the path of a SQLite file, or the address of a PostgreSQL database; a connection a thread.
"""

import os
import sqlite3
import threading
from typing import Any

from flask import Flask, Response, jsonify, request

ADDRESS = os.environ["FLOOR_DATABASE"]
IS_SQLITE = not ADDRESS.startswith("postgresql")
MARK = "?" if IS_SQLITE else "%s"
INSERT = f"INSERT INTO users (name, email, phone) VALUES ({MARK}, {MARK}, {MARK}) RETURNING id"
SELECT = f"SELECT id, name, email, phone, crm_id FROM users WHERE id = {MARK}"
UPDATE = f"UPDATE users SET phone = {MARK} WHERE crm_id = {MARK}"
own = threading.local()
app = Flask(__name__, static_folder=None)


def connection() -> Any:
    """Return the connection of this thread: autocommit, and on SQLite as durable as ours."""
    if not hasattr(own, "connection"):
        own.connection = _sqlite() if IS_SQLITE else _postgresql()
    return own.connection


def _sqlite() -> sqlite3.Connection:
    made = sqlite3.connect(ADDRESS, timeout=10, isolation_level=None)
    made.execute("PRAGMA journal_mode=WAL")
    made.execute("PRAGMA synchronous=FULL")
    return made


def _postgresql() -> Any:
    import psycopg  # noqa: PLC0415  (a floor on SQLite does not carry it)

    return psycopg.connect(ADDRESS, autocommit=True)


@app.get("/readyz")
def ready() -> Response:
    return jsonify(status="ready")


@app.post("/users")
def create() -> tuple[Response, int]:
    body = request.get_json()
    values = (body["name"], body["email"], body["phone"])
    ((number,),) = connection().execute(INSERT, values).fetchall()
    return jsonify(id=number, **body), 201


@app.get("/users/<int:number>")
def read(number: int) -> Response:
    row = connection().execute(SELECT, (number,)).fetchone()
    return jsonify(dict(zip(("id", "name", "email", "phone", "crm_id"), row, strict=True)))


@app.post("/webhook")
def receive() -> Response:
    body = request.get_json()
    done = connection().execute(UPDATE, (body["updated_fields"]["phone"], body["crm_id"]))
    return jsonify(outcome="applied" if done.rowcount else "unknown")
