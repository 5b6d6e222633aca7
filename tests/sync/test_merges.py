"""The CRM makes one record of two: the link moves to the one that lives on, and nothing is lost or doubled."""

import pytest

from tests.support.decisions import (
    HERE,
    OPEN,
    THERE,
    assert_in_step,
    configure,
    copy_of,
    decide,
    live_here,
    merge,
    only,
    open_conflict,
)
from tests.support.fates import WINNER, webhooks_of
from tests.support.settings import ANN
from tests.support.users import conflicts, fields_of, patch, patch_later, read


def hear_by_pull(client, user, winner, worker, webhook):
    worker.pull()


def hear_by_push(client, user, winner, worker, webhook):
    patch_later(client, user, phone=HERE)
    patch_later(client, user, phone=ANN["phone"])
    patch(client, user, name="Ann Here")
    patch(client, user, name=ANN["name"])


def hear_by_webhooks(client, user, winner, worker, webhook):
    for tell in webhooks_of(webhook, user, winner):
        tell()


def hear_the_other_way_round(client, user, winner, worker, webhook):
    for tell in reversed(webhooks_of(webhook, user, winner)):
        tell()


def hear_of_the_end_only(client, user, winner, worker, webhook):
    webhooks_of(webhook, user, winner)[0]()


def hear_by_asking(client, user, winner, worker, webhook):
    client.post(f"/users/{user['id']}/sync")


EVERY_WAY = pytest.mark.parametrize(
    "hear", [hear_by_pull, hear_by_webhooks, hear_the_other_way_round, hear_of_the_end_only, hear_by_asking]
)


@EVERY_WAY
@pytest.mark.parametrize("configured", ["crm_wins", "local_wins", "manual", "latest"])
def test_the_link_moves_and_the_values_of_the_other_come(
    client, crm, user, winner, worker, webhook, engine, *, hear, configured
):
    configure(engine, configured)
    hear(client, user, winner, worker, webhook)
    worker.drain()
    worker.pull()
    worker.drain()

    found = read(client, user)
    assert (found["crm_id"], found["sync_status"]) == (winner, "synced")
    assert fields_of(found) == WINNER | {"phone": ANN["phone"]}
    assert (conflicts(client), len(live_here(engine))) == ([], 1)
    assert copy_of(engine, user["id"]).former == [user["crm_id"]]
    assert_in_step(engine, crm)


@EVERY_WAY
def test_later_pushes_go_to_the_other(client, crm, user, winner, worker, webhook, engine, hear):
    hear(client, user, winner, worker, webhook)
    worker.drain()
    patch(client, user, phone=HERE)

    assert (crm.get(winner)["phone"], read(client, user)["sync_status"]) == (HERE, "synced")
    assert_in_step(engine, crm)


@EVERY_WAY
def test_late_deliveries_about_the_old_one_change_nothing(client, crm, user, winner, worker, webhook, engine, hear):
    hear(client, user, winner, worker, webhook)
    worker.drain()
    before = read(client, user)
    for more in ({"version": 1}, {"version": 9}, {}, {"event": "deleted", "version": 2}):
        for named in ({}, {"external_id": user["id"]}):
            webhook(user["crm_id"], {} if "event" in more else {"name": "Late"}, **more, **named)
    webhooks_of(webhook, user, winner)[0]()
    worker.drain()

    assert (read(client, user), conflicts(client, OPEN), len(live_here(engine))) == (before, [], 1)


@pytest.mark.parametrize("configured", ["crm_wins", "local_wins"])
def test_an_edit_that_meets_the_merge_is_merged_with_the_other_one(
    client, crm, user, winner, worker, engine, configured
):
    configure(engine, configured)
    patch(client, user, name="Ann Here")
    worker.drain()

    found = only(conflicts(client))
    assert (found["field"], found["local"], found["crm"]) == ("name", "Ann Here", WINNER["name"])
    name = WINNER["name"] if configured == "crm_wins" else "Ann Here"
    assert read(client, user)["name"] == crm.get(winner)["name"] == name
    assert_in_step(engine, crm)


def test_an_edit_of_what_both_agreed_on_reaches_the_other_one(client, crm, user, winner, worker, engine):
    patch(client, user, phone=HERE)
    worker.drain()

    assert (crm.get(winner)["phone"], conflicts(client)) == (HERE, [])
    assert_in_step(engine, crm)


def test_an_edit_that_the_old_one_refused_has_a_new_chance(client, crm, user, worker, engine):
    crm.fault("status", status=400, body={"error": "invalid"}, count=1, method="PATCH")
    assert patch(client, user, phone=HERE).json["sync_status"] == "failed"
    winner = crm.create(**WINNER | {"phone": ANN["phone"]})["crm_id"]
    merge(crm, winner, user["crm_id"])
    worker.pull()
    worker.drain()

    assert (crm.get(winner)["phone"], read(client, user)["sync_status"]) == (HERE, "synced")
    assert_in_step(engine, crm)


def test_a_field_that_waits_for_a_person_goes_on_waiting(client, crm, user, worker, engine):
    configure(engine, "manual")
    patch_later(client, user, phone=HERE)
    crm.edit(user["crm_id"], phone=THERE)
    worker.drain()
    winner = crm.create(**WINNER)["crm_id"]
    merge(crm, winner, user["crm_id"])
    worker.pull()
    worker.drain()

    assert (open_conflict(client)["crm_id"], open_conflict(client)["crm"]) == (winner, THERE)
    decide(engine, open_conflict(client), "local")
    worker.drain()
    assert crm.get(winner)["phone"] == HERE
    assert_in_step(engine, crm)


@pytest.mark.parametrize("known", [True, False], ids=["claimed before", "in one page"])
def test_one_with_the_same_email_claims_nothing_any_more(client, crm, user, worker, engine, known):
    winner = crm.create(**WINNER | {"email": user["email"]})["crm_id"]
    if known:
        worker.pull()
        assert open_conflict(client)["crm_id"] == winner
    merge(crm, winner, user["crm_id"])
    worker.pull()
    worker.drain()

    assert (read(client, user)["crm_id"], conflicts(client, OPEN)) == (winner, [])
    assert_in_step(engine, crm)
