"""The feed that a pull reads: its cursor, its pages, and a CRM that forgets or has none."""

import pytest

from app.core.db import transact
from app.store import runs
from tests.support.decisions import assert_in_step
from tests.support.runs import do, new_there
from tests.support.users import patch_later


def keep_cursor(cursor):
    transact(lambda tx: runs.save_cursor(tx, "users", cursor))


def restore_from_backup(crm):
    """Let the CRM forget its last changes: its feed ends before our cursor."""
    with crm.wsgi.extensions["mock_crm"].store.writing() as db:
        db.execute("DELETE FROM records WHERE seq > 1")


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr("app.sync.feed.PAGE", 10)


def test_a_cursor_that_the_crm_has_forgotten_begins_anew(crm, engine, small_pages):
    new_there(crm, 21)
    do(engine, "pull")
    new_there(crm, 1)
    keep_cursor("bm9uZQ")

    run = do(engine, "pull")

    assert (run["status"], run["seen"], run["created"]) == ("succeeded", 22, 1)
    assert do(engine, "pull")["seen"] <= 12


def test_a_crm_that_was_restored_from_a_backup_can_still_be_pulled(crm, engine):
    new_there(crm, 3)
    do(engine, "pull")
    keep_cursor(engine.crm.list_changed("/crm/users", None, 10).cursor)
    restore_from_backup(crm)
    crm.edit(crm.all()[0]["crm_id"], name="Edited there")

    run = do(engine, "pull")

    assert (run["status"], run["updated"]) == ("succeeded", 1)


def test_a_crm_that_refuses_to_list_at_all_is_a_failed_run(crm, engine):
    crm.fault("status", status=400, count=None, method="GET")

    run = do(engine, "pull")

    assert (run["status"], run["errors"]) == ("failed", {"Rejected": 1})


def test_a_feed_that_ends_in_the_middle_is_a_failure_and_no_reason_to_ask_for_each_record(crm, engine, small_pages):
    new_there(crm, 30)
    crm.fault("status", status=404, body="<html>gone</html>", after=1, count=None, method="GET")

    run = do(engine, "pull")

    assert (run["status"], run["created"]) == ("failed", 10)
    assert len(crm.calls("GET")) == 2


def test_a_crm_without_a_feed_is_asked_record_by_record(client, crm, engine, another):
    users = [client.post("/users", json=another()).json for _ in range(5)]
    crm.edit(users[0]["crm_id"], name="Edited there")
    crm.delete(users[1]["crm_id"])
    patch_later(client, users[2], name="Edited here")
    crm.fault("status", status=404, body="<html>no list</html>", count=None, path="/crm/users", method="GET")

    run = do(engine, "both", batch_size=2)

    assert (run["status"], run["updated"], run["deleted"], run["seen"]) == ("succeeded", 2, 1, 5)
    crm.heal()
    assert_in_step(engine, crm)


def test_pages_with_nothing_new_are_counted_and_remembered(crm, engine, small_pages):
    new_there(crm, 25)
    do(engine, "pull")
    keep_cursor(None)
    crm.fault("status", status=500, after=2, count=3, method="GET")

    run = do(engine, "pull")

    assert (run["status"], run["seen"], run["pulled"]) == ("failed", 20, 0)
    crm.heal()
    assert do(engine, "pull")["seen"] <= 15


def test_a_page_that_lists_a_record_twice_takes_it_once(crm, engine):
    new_there(crm, 5)
    crm.fault("repeat_items", count=1)

    assert do(engine, "pull")["created"] == 5
