"""What happens to records while a person has yet to say whether they are deleted."""

import pytest

from app.core.record import Snapshot, Stamp
from tests.support.decisions import (
    HERE,
    OPEN,
    THERE,
    assert_in_step,
    live_here,
    owed,
    stored,
)
from tests.support.fates import COUNT, approve
from tests.support.users import LATER, conflicts, patch, patch_later, read


def test_an_edit_here_is_kept_when_the_deletion_is_refused(client, crm, run, worker, engine, first):
    patch(client, first, phone=HERE)
    worker.drain()
    assert read(client, first)["sync_status"] == "conflict"
    approve(engine, run, yes=False, recreate=True)
    worker.drain()

    assert read(client, first)["phone"] == HERE
    assert_in_step(engine, crm)


def test_an_edit_here_is_written_down_when_it_is_approved(client, run, worker, engine, first):
    patch_later(client, first, phone=HERE)
    worker.drain()
    approve(engine, run, yes=True)

    [lost] = [one for one in conflicts(client) if one["field"] == "phone"]
    assert (lost["kind"], lost["local"], lost["resolution"]) == ("deleted", HERE, "crm")


def test_an_edit_that_was_under_way_is_written_down_too(client, crm, users, worker, engine, first):
    crm.fault("status", status=500, count=3, method="PATCH")
    patch(client, first, phone=HERE)
    crm.heal()
    for crm_id in users.values():
        crm.delete(crm_id)
    run = worker.pull()["id"]
    worker.drain()
    assert read(client, first)["sync_status"] == "conflict"
    approve(engine, run, yes=True)

    assert [one["local"] for one in conflicts(client) if one["field"] == "phone"] == [HERE]
    assert owed(engine) == 0


@pytest.mark.parametrize("choice", [{"yes": True}, {"yes": False}, {"yes": False, "recreate": True}])
def test_a_delete_here_is_what_the_crm_has_done(client, crm, run, worker, engine, first, choice):
    client.delete(f"/users/{first['id']}", headers=LATER)
    assert len(conflicts(client, OPEN)) == COUNT - 1
    worker.drain()

    assert approve(engine, run, **choice)["resolved"] == COUNT - 1
    worker.drain()
    assert (stored(engine, first["id"]).status, owed(engine)) == ("synced", 0)
    assert client.get(f"/users/{first['id']}").status_code == 404
    if not choice["yes"] and not choice.get("recreate"):
        assert crm.all() == []
    else:
        assert_in_step(engine, crm)


@pytest.mark.parametrize("named", [True, False])
def test_a_webhook_about_the_deletion_does_not_decide_for_the_person(client, run, worker, webhook, first, named):
    more = {"external_id": first["id"]} if named else {}
    assert webhook(first["crm_id"], event="deleted", version=2, **more).json["outcome"] == "unchanged"
    worker.drain()

    assert read(client, first)["sync_status"] == "conflict"
    assert len(conflicts(client, OPEN)) == COUNT


def test_a_late_update_does_not_decide_either(client, run, worker, webhook, first):
    webhook(first["crm_id"], {"name": "Late"}, version=1)
    webhook(first["crm_id"], {"phone": THERE})
    worker.drain()

    assert (read(client, first)["sync_status"], len(conflicts(client, OPEN))) == ("conflict", COUNT)


def test_asking_for_the_record_changes_nothing(client, crm, run, worker, engine, first):
    answer = client.post(f"/users/{first['id']}/sync")
    worker.drain()

    assert (answer.status_code, answer.json["sync_status"]) == (200, "conflict")
    assert (len(conflicts(client, OPEN)), crm.all()) == (COUNT, [])


def test_one_that_turns_out_to_be_merged_waits_no_longer(client, crm, run, worker, webhook, engine, first):
    winner = crm.create(name="Winner", email="winner@example.com")["crm_id"]
    patch(client, first, phone=HERE)
    webhook(first["crm_id"], event="deleted", version=2, merged_into=winner)
    worker.drain()
    approve(engine, run, yes=True)

    assert (read(client, first)["crm_id"], read(client, first)["name"]) == (winner, "Winner")
    assert crm.get(winner)["phone"] == HERE
    assert conflicts(client, OPEN) == []
    assert_in_step(engine, crm)


def test_a_record_that_lives_in_the_crm_after_all_is_not_deleted(
    client, crm, run, worker, webhook, engine, first, monkeypatch
):
    """A CRM whose staff have brought the record back from their bin."""
    fields = {"name": "Undeleted", "email": "user0@crowd.example.com", "phone": None}
    alive = Snapshot(first["crm_id"], fields, Stamp(3), first["id"])
    monkeypatch.setattr(engine.crm, "get", lambda *_, **__: alive)
    webhook(first["crm_id"], {"name": "Undeleted"}, version=3)
    approve(engine, run, yes=True)
    worker.drain()

    found = read(client, first)
    assert (found["name"], found["sync_status"], conflicts(client, OPEN)) == ("Undeleted", "synced", [])
    assert len(live_here(engine)) == 1
