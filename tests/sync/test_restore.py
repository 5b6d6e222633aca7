"""A tombstone is brought back: here, and in the CRM, once."""

import pytest

from app.core.errors import Taken
from tests.support.decisions import (
    HERE,
    OPEN,
    THERE,
    assert_in_step,
    configure,
    copy_of,
    decide,
    live_here,
    only,
    open_conflict,
    owed,
)
from tests.support.fates import delete_later, deleted_on_both_sides, deleted_there
from tests.support.settings import ANN
from tests.support.users import changes_of, conflicts, fields_of, patch_later, read


def deleted_here_only(client, crm, user, worker, webhook):
    delete_later(client, user)


def deleted_without_an_answer(client, crm, user, worker, webhook):
    crm.fault("cut_after", count=3, method="DELETE")
    delete_later(client, user)
    worker.push()
    crm.heal()


def deleted_before_it_was_cut(client, crm, user, worker, webhook):
    crm.fault("cut_before", count=3, method="DELETE")
    delete_later(client, user)
    worker.push()
    crm.heal()


def deleted_there_by_webhook(client, crm, user, worker, webhook):
    crm.delete(user["crm_id"])
    webhook(user["crm_id"], event="deleted", version=2)


def deleted_by_both(client, crm, user, worker, webhook):
    delete_later(client, user)
    crm.delete(user["crm_id"])
    worker.pull()


EVERY_WAY = pytest.mark.parametrize(
    "delete",
    [
        deleted_here_only,
        deleted_on_both_sides,
        deleted_without_an_answer,
        deleted_before_it_was_cut,
        deleted_there,
        deleted_there_by_webhook,
        deleted_by_both,
    ],
)


@EVERY_WAY
def test_it_lives_on_both_sides_with_its_values(client, crm, user, worker, webhook, engine, restore, delete):
    delete(client, crm, user, worker, webhook)
    assert client.get(f"/users/{user['id']}").status_code == 404
    assert restore(user).status == "pending"
    worker.drain()

    found = read(client, user)
    assert (fields_of(found), found["sync_status"], found["sync_error"]) == (ANN, "synced", None)
    assert (len(crm.all()), conflicts(client, OPEN)) == (1, [])
    assert_in_step(engine, crm)
    newest = changes_of(client, user)[0]
    assert (newest["by"], newest["field"], newest["from"], newest["to"]) == ("api", "deleted", True, False)


@EVERY_WAY
def test_late_deliveries_about_its_old_record_change_nothing(
    client, crm, user, worker, webhook, engine, restore, delete
):
    delete(client, crm, user, worker, webhook)
    restore(user)
    worker.drain()
    before, was_kept = read(client, user), read(client, user)["crm_id"] == user["crm_id"]
    for named in ({}, {"external_id": user["id"]}):
        if not was_kept:
            webhook(user["crm_id"], event="deleted", version=2, **named)
            webhook(user["crm_id"], {"name": "Late"}, version=8, **named)
        webhook(user["crm_id"], {"name": "Late"}, version=1, **named)
    worker.drain()
    worker.pull()

    assert (read(client, user), conflicts(client, OPEN), len(live_here(engine))) == (before, [], 1)
    assert (user["crm_id"] in copy_of(engine, user["id"]).former) is not was_kept
    assert_in_step(engine, crm)


@pytest.mark.parametrize("delete", [deleted_on_both_sides, deleted_there, deleted_without_an_answer])
def test_the_delete_that_is_told_late_is_the_one_of_before(client, crm, user, worker, webhook, engine, restore, delete):
    """It comes after the restore, and before the CRM was asked."""
    delete(client, crm, user, worker, webhook)
    restore(user)
    for named in ({}, {"external_id": user["id"]}):
        webhook(user["crm_id"], event="deleted", version=2, **named)
    worker.drain()

    assert read(client, user)["sync_status"] == "synced"
    assert_in_step(engine, crm)


@EVERY_WAY
def test_twice_is_once(client, crm, user, worker, webhook, engine, restore, delete):
    delete(client, crm, user, worker, webhook)
    first, second = restore(user), restore(user)
    assert first.version == second.version
    worker.drain()
    assert restore(user).version == read(client, user)["version"]

    assert_in_step(engine, crm)


@EVERY_WAY
def test_an_edit_after_it_reaches_the_crm(client, crm, user, worker, webhook, engine, restore, delete):
    delete(client, crm, user, worker, webhook)
    restore(user)
    patch_later(client, user, phone=HERE)
    worker.drain()

    assert only(crm.all())["phone"] == HERE
    assert_in_step(engine, crm)


@EVERY_WAY
def test_it_can_be_deleted_again(client, crm, user, worker, webhook, engine, restore, delete):
    delete(client, crm, user, worker, webhook)
    restore(user)
    delete_later(client, user)
    worker.drain()

    assert (crm.all(), live_here(engine), owed(engine)) == ([], {}, 0)


@EVERY_WAY
def test_and_restored_again(client, crm, user, worker, webhook, engine, restore, delete):
    for _ in range(2):
        delete(client, crm, read(client, user), worker, webhook)
        restore(user)
        worker.drain()

    assert len(crm.all()) == 1
    assert_in_step(engine, crm)


@EVERY_WAY
def test_an_email_that_somebody_has_by_now_is_taken(
    client, crm, user, worker, webhook, engine, restore, another, delete
):
    delete(client, crm, user, worker, webhook)
    other = client.post("/users", json=another(email=ANN["email"].upper())).json

    with pytest.raises(Taken):
        restore(user)
    assert client.get(f"/users/{user['id']}").status_code == 404
    client.patch(f"/users/{other['id']}", json={"email": "other@example.com"})
    assert restore(user).deleted_at is None


@EVERY_WAY
def test_a_field_that_waited_for_a_person_is_put_to_the_policy_anew(
    client, crm, user, worker, webhook, engine, restore, delete
):
    configure(engine, "manual")
    patch_later(client, user, phone=HERE)
    crm.edit(user["crm_id"], phone=THERE)
    worker.drain()
    delete(client, crm, user, worker, webhook)
    assert conflicts(client, OPEN) == []
    restore(user)
    worker.drain()

    if read(client, user)["crm_id"] == user["crm_id"]:
        assert (open_conflict(client)["local"], open_conflict(client)["crm"]) == (HERE, THERE)
        decide(engine, open_conflict(client), "local")
        worker.drain()
    assert (conflicts(client, OPEN), read(client, user)["phone"]) == ([], HERE)
    assert_in_step(engine, crm)


def test_what_the_crm_changed_after_a_delete_here_is_not_overwritten_by_a_restore(restore, client, crm, worker, user):
    delete_later(client, user)
    crm.edit(user["crm_id"], phone="987-654-3210")
    worker.pull()

    restore(user)
    worker.drain()

    assert crm.get(user["crm_id"])["phone"] == read(client, user)["phone"] == "987-654-3210"
