"""Plan and verify of 100,000 users, against one listing of the CRM: all pages read, and nothing done with them."""

from pathlib import Path

from benchmarks import canned, databases, filled, plain, service
from benchmarks.bench import Bench, Row, played
from benchmarks.canned import Canned, Habits
from benchmarks.databases import Database
from benchmarks.patience import paired_within

RECORDS = 100_000
ON_SQLITE, ON_POSTGRESQL = 35.0, 15.0
"""Seconds for the rounds of each database."""
TARGET = 1.5


def measure(rounds: int, _peers: bool) -> list[Row]:
    with canned.serving(Habits(records=RECORDS)) as crm:
        with databases.sqlite_template() as template:
            rows = _rows(rounds, crm, template)
        if databases.has_postgresql():
            with databases.postgresql("plan") as known:
                filled.fill(known, RECORDS)
                listing, ours = paired_within(
                    ON_POSTGRESQL, rounds, lambda: plain.listing(crm.url), lambda: _verified(known, crm)
                )
            what = f"verify of {RECORDS:,} in step, PostgreSQL ({played(ours)})"
            rows.append(Row(what, "s", ours, listing, "less", TARGET))
        return rows


def _rows(rounds: int, crm: Canned, template: Path) -> list[Row]:
    with databases.sqlite(template) as empty, databases.sqlite(template) as known:
        filled.fill(known, RECORDS)
        listing, new, quiet, verified = paired_within(
            ON_SQLITE,
            rounds,
            lambda: plain.listing(crm.url),
            lambda: _planned(empty, crm, RECORDS),
            lambda: _planned(known, crm, 0),
            lambda: _verified(known, crm),
        )
    shown = f"SQLite ({played(new)})"
    return [
        Row(f"plan of {RECORDS:,} that are all new, {shown}", "s", new, listing, "less", TARGET),
        Row(f"plan of {RECORDS:,} in step, {shown}", "s", quiet, listing, "less", TARGET),
        Row(f"verify of {RECORDS:,} in step, {shown}", "s", verified, listing, "less", TARGET),
    ]


def _planned(database: Database, crm: Canned, expected: int) -> float:
    with service.ready(database, crm.url) as ours:
        done = ours.do("plan")
    assert done.result["summary"]["here"]["create"] == expected, done.result["summary"]
    return done.seconds


def _verified(database: Database, crm: Canned) -> float:
    with service.ready(database, crm.url) as ours:
        done = ours.do("verify")
    assert (done.result["in_step"], done.result["unexplained"]) == (RECORDS, 0), done.result["sentence"]
    return done.seconds


BENCH = Bench("plan", "Plan and verify of 100,000 records, to one listing of the CRM", measure)
