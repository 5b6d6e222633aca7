"""From an edit to its arrival on the other side, each way, when nothing else happens and at 50 edits a second.

The clock starts before the request of the edit is sent, and stops when the other side shows it.
"""

import itertools
import random
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import requests

from benchmarks import installation, people
from benchmarks.bench import Bench, Row
from benchmarks.installation import STAFF, Installation, until
from benchmarks.load import percentile
from benchmarks.patience import at_least

USERS, PROBED = 60, 10
"""How many users there are, and how many of them are watched; the others are edited meanwhile."""
SECONDS, SAMPLES = 10.0, 200
"""How long each way is watched, and how often at most."""
EDITS, EDITORS = 50, 2
"""Edits a second, and how many threads make them."""
POLL = 0.002
ALLOWED = 0.05
"""Seconds beyond three round trips."""
names = (f"Name {number}" for number in itertools.count())


@dataclass(frozen=True)
class Side:
    """One side of the sync: where its users are, and by which ids."""

    url: str
    ids: list[str]

    def edit(self, session: requests.Session, place: int, name: str) -> None:
        url = f"{self.url}/{self.ids[place]}"
        session.patch(url, json={"name": name}, headers=STAFF, timeout=installation.LONGEST).raise_for_status()

    def name(self, session: requests.Session, place: int) -> str:
        url = f"{self.url}/{self.ids[place]}"
        found: str = session.get(url, headers=STAFF, timeout=installation.LONGEST).json()["name"]
        return found


@dataclass
class Watched:
    """What was seen of one way, in ms, round for round; `allowed` is what is asked of p99."""

    p99: list[float] = field(default_factory=list)
    allowed: list[float] = field(default_factory=list)
    median: list[float] = field(default_factory=list)
    trip: list[float] = field(default_factory=list)
    edits: int = 0


def measure(rounds: int, _peers: bool) -> list[Row]:
    rows = []
    with installation.running(SYNC_MODE="worker") as both:
        here, crm = _made(both)
        ways = (("an edit here, in the CRM", here, crm), ("an edit in the CRM, here", crm, here))
        for edits in (0, EDITS):
            for what, source, target in ways:
                watched = Watched()
                for _ in range(at_least(rounds)):
                    with _edited(source, edits) as made:
                        rate = _watch(watched, source, target, made)
                rows += _rows(f"{what}, {f'at {rate:.0f} edits/s' if edits else 'idle'}", watched)
    return rows


def _rows(what: str, seen: Watched) -> list[Row]:
    shown = f"{seen.edits}{f' in {len(seen.p99)} rounds' if len(seen.p99) > 1 else ''}"
    return [
        Row(f"{what}: p99 of {shown}, to 3 trips + 50 ms", "ms", seen.p99, seen.allowed, "less", 1.0),
        Row(f"{what}: median, to a trip", "ms", seen.median, seen.trip, "less"),
    ]


def _watch(watched: Watched, source: Side, target: Side, made: list[float]) -> float:
    """Watch one round; return how many other edits a second there were."""
    with requests.Session() as editor, requests.Session() as reader:
        _arrival(source, target, editor, reader, 0)  # when it is through, so is what was left from before
        trip = statistics.median(_trip(target, reader) for _ in range(50))
        found: list[float] = []
        before, begun = len(made), time.monotonic()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and len(found) < SAMPLES:
            time.sleep(random.uniform(0, 0.05))  # not in step with anybody's pauses
            found.append(_arrival(source, target, editor, reader, len(found) % PROBED))
    rate = (len(made) - before) / (time.monotonic() - begun)
    watched.p99.append(percentile(found, 0.99) * 1000)
    watched.allowed.append((3 * trip + ALLOWED) * 1000)
    watched.median.append(statistics.median(found) * 1000)
    watched.trip.append(trip * 1000)
    watched.edits += len(found)
    return rate


def _arrival(source: Side, target: Side, editor: requests.Session, reader: requests.Session, place: int) -> float:
    name = next(names)
    begun = time.perf_counter()
    source.edit(editor, place, name)
    until(lambda: target.name(reader, place) == name, POLL)
    return time.perf_counter() - begun


def _trip(side: Side, session: requests.Session) -> float:
    begun = time.perf_counter()
    side.name(session, 0)
    return time.perf_counter() - begun


@contextmanager
def _edited(side: Side, a_second: int) -> Iterator[list[float]]:
    """Let other users be edited meanwhile, so many times a second; yield how long each of the edits took."""
    stopping = threading.Event()
    made: list[float] = []

    def edit(number: int) -> None:
        with requests.Session() as session:
            due = time.monotonic()
            for count in itertools.count():
                due += EDITORS / a_second
                if stopping.wait(max(0.0, due - time.monotonic())):
                    return
                place = PROBED + (number + EDITORS * count) % (USERS - PROBED)
                begun = time.monotonic()
                side.edit(session, place, f"Other name {number} {count}")
                made.append(time.monotonic() - begun)

    threads = [threading.Thread(target=edit, args=(number,)) for number in range(EDITORS if a_second else 0)]
    for thread in threads:
        thread.start()
    try:
        yield made
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def _made(both: Installation) -> tuple[Side, Side]:
    """Make the users, and wait until they are in the CRM."""
    with requests.Session() as session:
        made = [session.post(f"{both.here}/users", json=people.fields(number), timeout=30) for number in range(USERS)]
        ids = [answer.json()["id"] for answer in made]
        until(lambda: both.in_crm() == USERS)
        until(lambda: all(_crm_id(both, session, one) for one in ids))
        crm_ids = [_crm_id(both, session, one) for one in ids]
    return Side(f"{both.here}/users", ids), Side(f"{both.crm}/crm/users", crm_ids)


def _crm_id(both: Installation, session: requests.Session, record_id: str) -> str:
    found: str = session.get(f"{both.here}/users/{record_id}", timeout=5).json()["crm_id"] or ""
    return found


BENCH = Bench("arrival", "From an edit to its arrival on the other side", measure, rounds=1)
