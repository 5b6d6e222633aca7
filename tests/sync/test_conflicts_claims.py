"""Two CRM records that claim one of ours: nothing is overwritten, a person says which one it is."""

import pytest

from app.core.errors import Invalid
from tests.support.decisions import (
    OPEN,
    RESOLVED,
    assert_in_step,
    configure,
    copy_of,
    decide,
    live_here,
    open_conflict,
)
from tests.support.fates import TWIN
from tests.support.settings import ANN
from tests.support.users import conflicts, fields_of, patch, read


def hear_all_again(crm, worker, webhook, *crm_ids):
    """Let both records of the CRM be edited, and everything be told of them in every way."""
    for number, crm_id in enumerate(crm_ids):
        edited = crm.edit(crm_id, phone=f"555-555-010{number}")
        webhook(crm_id, {"phone": edited["phone"]}, version=edited["version"])
        worker.drain()
        worker.pull()
        worker.drain()


def test_a_claim_shows_who_claims_what_and_both_go_on_as_they_were(client, crm, user, twin, worker):
    found = open_conflict(client)
    assert (found["record_id"], found["crm_id"], found["field"]) == (user["id"], twin, "email")
    assert (found["local"], found["crm"]) == (ANN["email"], TWIN["email"])
    patch(client, user, name="Ann Here")
    worker.pull()

    assert crm.get(user["crm_id"])["name"] == "Ann Here"
    assert crm.get(twin)["name"] == TWIN["name"]
    assert open_conflict(client)["id"] == found["id"]


def test_the_link_moves_to_the_one_that_claims(client, crm, user, twin, worker, engine):
    decide(engine, open_conflict(client), "crm")
    worker.drain()

    found = read(client, user)
    assert (found["crm_id"], found["sync_status"], fields_of(found)) == (twin, "synced", TWIN)
    assert copy_of(engine, user["id"]).former == [user["crm_id"]]
    patch(client, user, name="Ann Later")
    assert (crm.get(twin)["name"], crm.get(user["crm_id"])["name"]) == ("Ann Later", ANN["name"])


def test_values_that_differ_are_conflicts_with_the_one_that_claims(client, crm, user, twin, worker, engine):
    decide(engine, open_conflict(client), "crm")
    worker.drain()

    found = {one["field"]: (one["local"], one["crm"]) for one in conflicts(client) if one["kind"] == "field"}
    assert found == {name: (ANN[name], TWIN[name]) for name in ANN}


def test_the_record_it_was_linked_with_is_not_claimed_again(client, crm, user, twin, worker, webhook, engine):
    decide(engine, open_conflict(client), "crm")
    worker.drain()
    hear_all_again(crm, worker, webhook, user["crm_id"], twin)

    assert (conflicts(client, OPEN), len(live_here(engine))) == ([], 1)
    assert (read(client, user)["crm_id"], read(client, user)["phone"]) == (twin, "555-555-0101")


def test_nor_when_the_crm_does_not_know_our_id_of_it(client, crm, worker, webhook, engine):
    old = crm.create(**ANN)["crm_id"]
    worker.pull()
    new = crm.create(**TWIN)["crm_id"]
    worker.pull()
    decide(engine, open_conflict(client), "crm")
    worker.drain()
    hear_all_again(crm, worker, webhook, old, new)

    assert (conflicts(client, OPEN), [one.crm_id for one in live_here(engine).values()]) == ([], [new])


def test_a_claim_that_was_turned_down_is_not_made_again(client, crm, user, twin, worker, webhook, engine):
    decide(engine, open_conflict(client), "local")
    worker.drain()
    hear_all_again(crm, worker, webhook, twin, user["crm_id"])

    assert (conflicts(client, OPEN), len(live_here(engine))) == ([], 1)
    found = read(client, user)
    assert (found["crm_id"], found["phone"], found["name"]) == (user["crm_id"], "555-555-0101", ANN["name"])


def test_one_that_was_turned_down_becomes_a_record_of_its_own_with_an_email_of_its_own(
    client, crm, user, twin, worker, engine
):
    decide(engine, open_conflict(client), "local")
    crm.edit(twin, email="twin@example.com")
    worker.pull()

    assert {one.crm_id for one in live_here(engine).values()} == {user["crm_id"], twin}
    assert_in_step(engine, crm)


def test_a_claim_has_no_value_to_choose(client, user, twin, engine):
    with pytest.raises(Invalid):
        decide(engine, open_conflict(client), "value", "x@example.com")
    assert open_conflict(client)["crm_id"] == twin


def test_an_edit_that_the_crm_has_not_heard_is_kept_when_the_link_moves(client, crm, user, worker, engine):
    crm.fault("status", status=503, count=None, method="PATCH")
    patch(client, user, name="Ann Here")
    twin = crm.create(**TWIN)["crm_id"]
    worker.pull()
    crm.heal()
    decide(engine, open_conflict(client), "crm")
    worker.drain()

    [name] = [one for one in conflicts(client) if one["field"] == "name"]
    assert (name["local"], name["crm"], name["resolution"]) == ("Ann Here", TWIN["name"], "crm")
    assert crm.get(user["crm_id"])["name"] == ANN["name"]
    assert crm.get(twin)["name"] == TWIN["name"]


@pytest.mark.parametrize("policy", ["local_wins", "manual"])
@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 400}], ids=["pending", "refused"])
def test_what_our_record_holds_is_told_to_the_one_that_claims(client, crm, user, worker, engine, policy, fault):
    configure(engine, policy)
    crm.fault("status", **fault, count=None, method="PATCH")
    patch(client, user, name="Ann Here")
    twin = crm.create(**TWIN)["crm_id"]
    worker.pull()
    crm.heal()
    decide(engine, open_conflict(client), "crm")
    worker.drain()

    here, there = read(client, user), crm.get(twin)
    assert (here["name"], here["crm_id"]) == ("Ann Here", twin)
    if policy == "local_wins":
        assert (there["name"], here["sync_status"]) == ("Ann Here", "synced")
    else:
        assert {one["field"] for one in conflicts(client, OPEN)} == set(ANN)
        assert (there["name"], here["sync_status"]) == (TWIN["name"], "conflict")


def test_two_that_claim_at_once_are_two_conflicts_and_one_choice_settles_neither_by_itself(
    client, crm, user, twin, worker, engine
):
    third = crm.create(**(TWIN | {"name": "Third"}))["crm_id"]
    worker.pull()
    first = next(one for one in conflicts(client, OPEN) if one["crm_id"] == twin)
    decide(engine, first, "crm")
    worker.drain()

    assert open_conflict(client)["crm_id"] == third
    decide(engine, open_conflict(client), "crm")
    worker.drain()
    assert (read(client, user)["crm_id"], read(client, user)["name"]) == (third, "Third")
    assert len([one for one in conflicts(client, RESOLVED) if one["kind"] == "duplicate"]) == 2
