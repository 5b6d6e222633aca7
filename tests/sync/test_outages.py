"""The CRM down, slow, broken, busy: what is stored stays, and arrives once."""

import itertools

import pytest
import requests

from app.services import operations
from app.sync import bulk, task
from tests.support.users import post, status_of


def test_a_crm_that_is_down_leaves_the_record_stored_and_pending(client, crm, worker):
    crm.fault("status", status=503, count=None)

    answer = post(client)

    assert (answer.status_code, answer.json["sync_status"]) == (201, "pending")
    assert answer.json["sync_error"]
    assert len(crm.calls("POST")) == 3
    crm.heal()
    worker.drain()
    assert status_of(client, answer.json) == "synced"
    assert len(crm.all()) == 1


def test_a_busy_crm_is_asked_again_with_the_same_key(client, crm):
    crm.fault("status", status=503, count=2, method="POST")

    assert post(client).json["sync_status"] == "synced"
    assert len({call.headers["Idempotency-Key"] for call in crm.calls("POST")}) == 1
    assert len({call.body for call in crm.calls("POST")}) == 1


def test_the_waits_between_attempts_are_spread_and_bounded(client, crm, clock):
    crm.fault("status", status=500, count=2, method="POST")
    post(client)

    assert len(clock.slept) == 2
    assert all(0 <= wait <= 1 for wait in clock.slept)


@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_record_fails_at_once_with_the_crms_words(client, crm, worker, status):
    crm.fault(
        "status", status=status, body='{"error": "validation_failed", "message": "Names are short here."}', count=None
    )

    answer = post(client)

    assert answer.json["sync_status"] == "failed"
    assert "Names are short here." in answer.json["sync_error"]
    assert len(crm.calls("POST")) == 1
    crm.heal()
    assert worker.push() == 0
    assert client.post(f"/users/{answer.json['id']}/sync").json["sync_status"] == "synced"


def test_an_edit_is_a_new_chance_for_a_refused_record(client, crm):
    crm.fault("status", status=400, count=1)
    user = post(client).json

    assert client.patch(f"/users/{user['id']}", json={"name": "Short"}).json["sync_status"] == "synced"


def test_retry_puts_failed_records_back(client, crm, engine, worker):
    crm.fault("status", status=400, count=1)
    user = post(client).json

    assert operations.retry(engine, ["users"]) == 1
    worker.push()
    assert status_of(client, user) == "synced"


def test_a_day_without_an_answer_is_told_once(client, crm, worker, clock, engine, monkeypatch):
    told = []
    object.__setattr__(engine, "on_spent", lambda *about: told.append(about))
    crm.fault("status", status=500, count=None)
    user = post(client).json

    for _ in range(200):
        worker.push()
        clock.pass_(minutes=15)

    assert status_of(client, user) == "failed"
    assert [about[:2] for about in told] == [("users", user["id"])]
    crm.heal()
    worker.drain()
    assert status_of(client, user) == "synced"


def test_tries_grow_apart_to_a_quarter_of_an_hour(client, crm, worker, clock):
    post_times = []
    crm.fault("status", status=503, count=None)
    post(client)
    for _ in range(24 * 60 // 5):
        before = len(crm.calls("POST"))
        worker.push()
        if len(crm.calls("POST")) > before:
            post_times.append(clock.passed)
        clock.pass_(minutes=5)

    gaps = [b - a for a, b in itertools.pairwise(post_times)]
    assert 450 <= max(gaps) <= 1500
    assert len(post_times) < 200


@pytest.mark.parametrize(("said", "least", "most"), [("7", 7, 60), ("soon", 0, 60), ("-5", 0, 60)])
def test_retry_after_is_obeyed_where_it_makes_sense(client, crm, clock, said, least, most):
    crm.fault("status", status=429, retry_after=said, count=1, method="POST")

    assert post(client).json["sync_status"] == "synced"
    assert least <= sum(clock.slept) <= most


def test_a_long_retry_after_is_kept_without_holding_the_caller(client, crm, clock, worker):
    crm.fault("status", status=429, retry_after="120", count=1)

    user = post(client).json
    assert user["sync_status"] == "pending"
    assert sum(clock.slept) < 10
    worker.push()
    assert len(crm.calls("POST")) == 1
    clock.pass_(seconds=130)
    worker.push()
    assert status_of(client, user) == "synced"


def test_an_expired_token_is_renewed_on_the_way(client, crm):
    crm.fault("expired_token", count=1)

    assert post(client).json["sync_status"] == "synced"


def test_a_token_that_is_refused_leaves_the_record_pending(client, crm, worker):
    crm.fault("status", status=401, path="/crm/token", count=None, body='{"error": "invalid_client"}')

    answer = post(client)
    assert answer.json["sync_status"] == "pending"
    crm.heal()
    worker.drain()
    assert status_of(client, answer.json) == "synced"


def test_an_open_circuit_spares_the_callers(client, crm, another):
    crm.fault("status", status=500, count=None)
    for _ in range(3):
        client.post("/users", json=another())
    before = len(crm.calls())

    assert client.post("/users", json=another()).json["sync_status"] == "pending"
    assert len(crm.calls()) == before


def test_no_call_is_made_inside_a_transaction(client, crm, app, another):
    from app.core.db import db

    seen = []

    def look(_request: requests.PreparedRequest) -> None:
        seen.append(db.engine.pool.checkedout())

    crm.line.before = look
    client.post("/users", json=another())
    assert seen
    assert set(seen) == {0}


def test_what_was_given_up_and_is_owed_no_more_is_in_step(client, crm, worker, clock, user):
    client.delete(f"/users/{user['id']}", headers={"Prefer": "respond-async"})
    clock.pass_(days=2)
    crm.fault("status", status=503, count=None, method="DELETE")
    crm.line.before = lambda _request: client.post(f"/users/{user['id']}/restore", headers={"Prefer": "respond-async"})
    bulk.push_unit(worker.engine, task.due(worker.engine, 1))
    assert status_of(client, user) == "failed"

    crm.line.before = lambda _request: None
    crm.heal()
    clock.pass_(hours=2)
    worker.push()

    found = client.get(f"/users/{user['id']}").json
    assert (found["sync_status"], found["sync_error"]) == ("synced", None)
    assert crm.get(user["crm_id"])["deleted"] is False


def test_a_push_that_was_held_too_long_has_not_failed(client, crm, worker, clock, user):
    client.patch(f"/users/{user['id']}", json={"name": "Ann Here"}, headers={"Prefer": "respond-async"})
    unit = bulk.units(worker.engine, task.due(worker.engine, 1))[0]
    clock.pass_(days=2)
    [ended] = bulk.push_unit(worker.engine, unit)

    found = client.get(f"/users/{user['id']}").json
    assert (ended.status, ended.spent, found["sync_status"], found["sync_error"]) == ("pending", False, "pending", None)
    assert not crm.calls("PATCH")
    worker.drain()
    assert (status_of(client, user), crm.get(user["crm_id"])["name"]) == ("synced", "Ann Here")
