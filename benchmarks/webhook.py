"""Taking in webhooks: signed deliveries of edits, each another, and the same again; against bare Flask, one UPDATE."""

import itertools
import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

from app.core.kinds import format_time
from app.crm import signature
from benchmarks.bench import Bench, Row, paired
from benchmarks.load import request
from benchmarks.served import SECRET, Side, both
from benchmarks.stored import Known, kinds

SLICE = 1.2
KNOWN = 200
"""Records that are edited in turn: two edits of one are too far apart to overtake each other on the way."""
APPLIED, DUPLICATE = b'"outcome":"applied"', b'"outcome":"duplicate"'
TARGETS: dict[str, tuple[float | None, float | None, float | None]] = {
    "SQLite": (0.9, 0.35, 1.0),
    "PostgreSQL": (None, None, None),
}


def measure(rounds: int, _peers: bool) -> list[Row]:
    return [row for kind in kinds() for row in _compared(rounds, kind)]


def _compared(rounds: int, kind: str) -> list[Row]:
    with both(kind, KNOWN) as served:
        known = served.stored.known
        ours, floor = (
            Side(port, deliveries(known), 200, APPLIED, seconds=SLICE) for port in (served.ours, served.floor)
        )
        repeat = Side(served.ours, lambda _: ours.sent, 200, DUPLICATE, seconds=SLICE, again=True)
        rates, repeats, least = paired(rounds, ours.measure, repeat.measure, floor.measure)
    rate, p99, again = TARGETS[kind]
    return [
        Row(f"{kind}: POST /webhook to one UPDATE", "requests/s", rates, least, "more", rate),
        Row(f"{kind}: p99 of it", "ms", ours.p99, floor.p99, "less", p99),
        Row(f"{kind}: a repeat to one UPDATE", "requests/s", repeats, least, "more", again),
    ]


def deliveries(known: list[Known]) -> Callable[[int], list[bytes]]:
    numbers = itertools.count(1)

    def make(count: int) -> list[bytes]:
        return [_delivery(known[number % len(known)], number) for number in itertools.islice(numbers, count)]

    return make


def _delivery(known: Known, number: int) -> bytes:
    """Return an edit as the CRM tells of it; a later number is a later version."""
    said = {
        "crm_id": known.crm_id,
        "resource": "users",
        "event": "updated",
        "updated_fields": {"phone": f"202-555-{number % 10000:04}"},
        "timestamp": format_time(datetime.now(UTC)),
        "version": number + 1,
    }
    body = json.dumps(said).encode()
    identity, stamp = f"msg_{uuid.uuid4()}", str(int(time.time()))
    headers = {signature.ID: identity, signature.TIMESTAMP: stamp}
    return request(
        "POST", "/webhook", body, **headers,
        **{signature.SIGNATURE: f"v1,{signature.sign(SECRET, identity, stamp, body)}"},
    )  # fmt: skip


BENCH = Bench("webhook", "Taking in a webhook: verify, remember and merge in one transaction", measure)
