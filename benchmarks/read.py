"""Reading a user: GET /users/<id>, and the 304 of a caller who has it already, against bare Flask and one SELECT."""

import http.client

from benchmarks.bench import Bench, Row, paired
from benchmarks.load import CONNECTIONS, Wrong
from benchmarks.served import TOKEN, Served, Side, both, call
from benchmarks.stored import kinds

SLICE = 1.5
KNOWN = 200


def measure(rounds: int, _peers: bool) -> list[Row]:
    return [row for kind in kinds() for row in _compared(rounds, kind)]


def _compared(rounds: int, kind: str) -> list[Row]:
    with both(kind, KNOWN) as served:
        paths = [f"/users/{one.id}" for one in served.stored.known]
        plain = [call("GET", path) for path in paths]
        tagged = [call("GET", path, If_None_Match=tag) for path, tag in zip(paths, _tags(served, paths), strict=True)]
        least = [call("GET", f"/users/{one.number}") for one in served.stored.known]
        whole, unchanged, floor = (
            Side(port, lambda _, found=found: found, status, holds, seconds=SLICE, again=True)  # type: ignore[misc]
            for port, found, status, holds in (
                (served.ours, plain, 200, b'"email"'),
                (served.ours, tagged, 304, b""),
                (served.floor, least, 200, b'"email"'),
            )
        )
        reads, not_modified, least_reads = paired(rounds, whole.measure, unchanged.measure, floor.measure)
    return [
        Row(f"{kind}: GET /users/<id> to one SELECT", "requests/s", reads, least_reads, "more", 0.8),
        Row(f"{kind}: p99 of it", "ms", whole.p99, floor.p99, "less"),
        Row(f"{kind}: 304 to one SELECT", "requests/s", not_modified, least_reads, "more", 0.9),
    ]


def _tags(served: Served, paths: list[str]) -> list[str]:
    connection = http.client.HTTPConnection("127.0.0.1", served.ours, timeout=CONNECTIONS)
    tags = []
    for path in paths:
        connection.request("GET", path, headers={"Authorization": f"Bearer {TOKEN}"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise Wrong(f"GET {path} answered {answer.status}")
        tags.append(answer.headers["ETag"])
    connection.close()
    return tags


BENCH = Bench("read", "Reading a user over 16 connections", measure)
