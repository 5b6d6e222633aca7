"""A first pull of 100,000 users with crm_copy, journal and index of words, against a script that only stores them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import canned, databases, peers, plain, service
from benchmarks.bench import Bench, Row, played
from benchmarks.canned import Canned, Habits
from benchmarks.databases import Database
from benchmarks.patience import paired_within
from benchmarks.service import Done

RECORDS = 100_000
ON_SQLITE, ON_POSTGRESQL = 85.0, 60.0
"""Seconds for the rounds of each database."""


def measure(rounds: int, with_peers: bool) -> list[Row]:
    with databases.sqlite_template() as template, canned.serving(Habits(records=RECORDS)) as crm:
        rows = [_on_sqlite(rounds, template, crm)]
        if databases.has_postgresql():
            rows.append(_on_postgresql(rounds, crm))
        if with_peers:
            rows += _to_dlt(template, crm)
        if with_peers and databases.has_postgresql():
            rows += _to_singer(crm)
        return rows


def pulled(database: Database, crm: Canned, records: int) -> Done:
    """Pull all of the CRM into an empty database, in a fresh process."""
    with service.ready(database, crm.url) as ours:
        done = ours.do("run", direction="pull")
    assert (done.result["status"], done.result["created"]) == ("succeeded", records), done.result
    return done


def afresh(template: Path, measured: Callable[[Database], Any]) -> Any:
    with databases.sqlite(template) as database:
        return measured(database)


def _on_sqlite(rounds: int, template: Path, crm: Canned) -> Row:
    floor, ours = paired_within(
        ON_SQLITE,
        rounds,
        lambda: afresh(template, lambda one: plain.pull_sqlite(crm.url, one.folder / "floor.db")),
        lambda: afresh(template, lambda one: pulled(one, crm, RECORDS).seconds),
    )
    return Row(f"first pull of {RECORDS:,}, SQLite ({played(ours)})", "s", ours, floor, "less", 1.5)


def _on_postgresql(rounds: int, crm: Canned) -> Row:
    with databases.postgresql("pull") as database:

        def ours_again() -> float:
            database.empty()
            return pulled(database, crm, RECORDS).seconds

        floor, ours = paired_within(
            ON_POSTGRESQL, rounds, lambda: plain.pull_postgresql(crm.url, database.dsn), ours_again
        )
    return Row(f"first pull of {RECORDS:,}, PostgreSQL ({played(ours)})", "s", ours, floor, "less", 1.5)


def _to_dlt(template: Path, crm: Canned) -> list[Row]:
    """Compare once with dlt, on each destination: what it takes differs fourfold between them, so both are shown."""
    rows = []
    mine = afresh(template, lambda one: pulled(one, crm, RECORDS).seconds)
    for destination in peers.DESTINATIONS:
        theirs = peers.dlt_pull(crm.url, destination, RECORDS)
        if theirs is not None:
            what = f"first pull of {RECORDS:,}, ours on SQLite to dlt on {destination} (1 round)"
            rows.append(Row(what, "s", [mine], [theirs], "less", 1 / 15, is_peer=True))
    return rows


def _to_singer(crm: Canned) -> list[Row]:
    """Compare once with a Singer tap and target, on PostgreSQL: two processes, which keep what came and no history."""
    with databases.postgresql("singer") as database:
        theirs = peers.singer_pull(crm.url, database, RECORDS)
        if theirs is None:
            return []
        mine = pulled(database, crm, RECORDS).seconds
    what = f"first pull of {RECORDS:,}, ours to Singer, both on PostgreSQL (1 round)"
    return [Row(what, "s", [mine], [theirs], "less", is_peer=True)]


BENCH = Bench("pull", "Pull of 100,000 new users, to requests + json + executemany", measure)
