"""A run of a thousand records is taken back in pages, with a sane number of calls and statements."""

import itertools

import pytest
from sqlalchemy import event

from app.core.db import db
from app.services.rollbacks import roll_back
from tests.support.decisions import assert_in_step
from tests.support.drift import in_crm
from tests.support.runs import do, new_there

MANY = 1000


@pytest.fixture
def statements():
    """Count what is sent to the database."""
    seen = itertools.count()
    count = [0]

    def note(*_):
        count[0] = next(seen)

    event.listen(db.engine, "before_cursor_execute", note)
    yield lambda: count[0]
    event.remove(db.engine, "before_cursor_execute", note)


def edit_all(crm):
    in_crm(
        crm, "UPDATE records SET fields = json_set(fields, '$.phone', '987-654-3210'), version = 2, seq = seq + 5000"
    )


@pytest.mark.timeout(300)
def test_a_thousand_updates_go_back(app, crm, engine, statements):
    new_there(crm, MANY)
    do(engine, "pull")
    edit_all(crm)
    run = do(engine, "pull")
    assert run["updated"] == MANY
    calls, before = len(crm.line.sent), statements()

    foreseen = roll_back(engine, run["id"], "test", dry_run=True)
    assert len(foreseen["writes"]) == 2 * MANY
    dry = statements() - before
    done = roll_back(engine, run["id"], "test", dry_run=False)

    assert (done["pulled"], done["pushed"], done["skipped"]) == (MANY, MANY, 0)
    assert len(crm.line.sent) - calls <= 10
    assert dry < 100
    assert statements() - before < 600
    assert_in_step(engine, crm)
    assert {one["phone"] for one in crm.all()} == {None}
