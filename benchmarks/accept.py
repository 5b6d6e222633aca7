"""Accepting users: POST /users in worker mode over 16 connections, against bare Flask and one INSERT."""

import itertools
import json
from collections.abc import Callable

from benchmarks.bench import Bench, Row, paired
from benchmarks.served import Side, both, call
from benchmarks.slow_disk import slow_disk
from benchmarks.stored import kinds

SLICE = 1.8
TARGETS = {"SQLite": (0.9, 0.35), "PostgreSQL": (0.8, 1.0)}
ON_A_SLOW_DISK = 2.5


def measure(rounds: int, _peers: bool) -> list[Row]:
    rows: list[Row] = []
    for kind in kinds():
        rate, p99 = TARGETS[kind]
        rows += _compared(rounds, kind, kind, rate, p99)
    with slow_disk() as environ:
        if environ is not None:
            rows += _compared(rounds, "SQLite", "SQLite, +2 ms per fsync", ON_A_SLOW_DISK, None, **environ)
    return rows


def _compared(rounds: int, kind: str, where: str, rate: float, p99: float | None, **environ: str) -> list[Row]:
    with both(kind, **environ) as served:
        ours, floor = (Side(port, creates(), 201, seconds=SLICE) for port in (served.ours, served.floor))
        ours_rate, floor_rate = paired(rounds, ours.measure, floor.measure)
    return [
        Row(f"{where}: POST /users to one INSERT", "requests/s", ours_rate, floor_rate, "more", rate),
        Row(f"{where}: p99 of it", "ms", ours.p99, floor.p99, "less", p99),
    ]


def creates() -> Callable[[int], list[bytes]]:
    numbers = itertools.count()

    def make(count: int) -> list[bytes]:
        return [_create(next(numbers)) for _ in range(count)]

    return make


def _create(number: int) -> bytes:
    body = {"name": f"User {number}", "email": f"someone{number}@example.com", "phone": "123-456-7890"}
    return call("POST", "/users", json.dumps(body).encode())


BENCH = Bench("accept", "Accepting a user: record, journal and outbox in one transaction", measure)
