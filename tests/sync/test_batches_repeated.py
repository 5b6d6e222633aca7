"""Creates of a batch whose answer was lost, in a CRM that does not find records by our id, or finds them late."""

import pytest

from tests.support.decisions import HERE, THERE, assert_in_step, live_here
from tests.support.users import LATER, conflicts, patch_later

BATCH = "/crm/users/batch"


@pytest.fixture(autouse=True)
def _finds_nothing(engine, monkeypatch):
    monkeypatch.setattr(engine.crm, "find", lambda *_args, **_more: None)
    monkeypatch.setattr(engine.crm, "_find_once", lambda *_args, **_more: None)


@pytest.fixture
def lost(client, crm, worker, another):
    """Send five new users in a batch that is done, and not answered."""
    for _ in range(5):
        client.post("/users", json=another(), headers=LATER)
    crm.fault("cut_after", count=3, path=BATCH)
    worker.push(rounds=1)
    crm.heal()
    assert len(crm.all()) == 5


def test_they_are_not_made_again(client, crm, worker, engine, lost):
    worker.drain()

    assert (len(crm.all()), conflicts(client)) == (5, [])
    assert_in_step(engine, crm)


def test_what_staff_changed_meanwhile_is_not_overwritten(client, crm, worker, engine, lost):
    crm_id = crm.all()[2]["crm_id"]
    crm.edit(crm_id, phone=THERE)
    worker.drain()

    assert crm.get(crm_id)["phone"] == THERE
    assert [one.fields["phone"] for one in live_here(engine).values() if one.crm_id == crm_id] == [THERE]
    assert_in_step(engine, crm)


@pytest.mark.parametrize("mode", ["cut_before", "truncated", "bad_json"])
def test_nor_when_the_next_answer_is_lost_as_well(client, crm, worker, engine, lost, mode):
    crm.fault(mode, count=3, path=BATCH)
    worker.drain()

    assert (len(crm.all()), conflicts(client)) == (5, [])
    assert_in_step(engine, crm)


@pytest.mark.parametrize("status", [404, 422])
def test_nor_when_the_crm_trips_over_their_repetition(client, crm, worker, engine, lost, status):
    crm.fault("status", status=status, body={"error": "no"}, count=3, path=BATCH)
    worker.drain()

    assert (len(crm.all()), conflicts(client)) == (5, [])
    assert_in_step(engine, crm)


def test_what_arrived_at_once_and_cannot_be_read_yet_is_ours(client, crm, worker, engine, another):
    for _ in range(5):
        client.post("/users", json=another(), headers=LATER)
    crm.fault("no_idempotency")
    crm.fault("cut_after", count=1, path=BATCH)
    crm.fault("status", status=422, body={"error": "no"}, count=5, method="GET")
    worker.push(rounds=1)
    crm.heal()
    for one in client.get("/users").json["data"]:
        patch_later(client, one, phone=HERE)
    worker.pull()
    worker.drain()

    assert {one["phone"] for one in crm.all()} == {HERE}
    assert (len(crm.all()), conflicts(client)) == (5, [])
    assert_in_step(engine, crm)


def test_a_crm_that_takes_no_batches_any_more_gets_what_did_not_arrive_one_by_one(client, crm, worker, engine, another):
    for _ in range(5):
        client.post("/users", json=another(), headers=LATER)
    crm.fault("cut_before", count=3, path=BATCH)
    worker.push(rounds=1)
    crm.heal()
    crm.fault("status", status=404, body={"error": "no"}, count=None, path=BATCH)
    worker.drain()

    assert len(crm.all()) == 5
    assert_in_step(engine, crm)
