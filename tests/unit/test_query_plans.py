"""What is looked up by a list of ids goes through an index on SQLite, however large a table gets."""

import sqlite3

import pytest
from sqlalchemy.dialects import sqlite

from app.resources import REGISTRY
from app.store import conflicts, crm_changes, crm_copies, inbox, journal, outbox
from app.store.links import _by_crm_id, _by_id
from app.store.records import _finding

USERS = REGISTRY["users"].table
QUERIES = {
    **{
        f"records by {' and '.join(by)}": _finding(USERS, by, lock=True, or_skip=False)
        for by in (("id",), ("crm_id",), ("email_key",), ("id", "crm_id", "email_key"))
    },
    "crm_copies": crm_copies._THOSE,
    "versions": crm_copies._VERSIONS,
    "links from": _by_crm_id("users"),
    "links to": _by_id("users"),
    "outbox": outbox._THOSE,
    "claimable": outbox._claimable(True, True),
    "conflicts": conflicts._STANDING,
    "parked": inbox._PARKED_FOR,
    "journal of a run": journal._OF_RUN,
    "journal": journal._AT_OF_THOSE,
    "what a run told": crm_changes._THOSE_OF_RUN,
}


@pytest.mark.parametrize("what", QUERIES)
def test_a_lookup_reads_what_it_finds_and_not_the_table(sqlite_template, what):
    sql = str(QUERIES[what].compile(dialect=sqlite.dialect()))
    with sqlite3.connect(sqlite_template) as connection:
        steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", ["[]"] * sql.count("?"))]

    assert steps
    assert [one for one in steps if one.startswith("SCAN") and "json_each" not in one] == []
