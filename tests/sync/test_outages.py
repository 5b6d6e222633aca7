"""The CRM down, slow, broken, busy: what is stored stays, and arrives once."""

import itertools

import pytest
import requests

from app.services import operations
from tests.conftest import ANN


def post(client, **headers):
    return client.post("/users", json=ANN, headers=headers)


def status_of(client, user):
    return client.get(f"/users/{user['id']}").json["sync_status"]


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


@pytest.mark.parametrize("idempotent", [True, False], ids=["keys honoured", "keys ignored"])
@pytest.mark.parametrize("mode", ["cut_after", "truncated", "bad_json", "empty", "no_crm_id", "null_crm_id"])
def test_a_write_that_was_done_but_not_answered_is_not_done_twice(client, crm, worker, mode, idempotent):
    if not idempotent:
        crm.fault("no_idempotency")
    crm.fault(mode, count=2, method="POST")

    answer = post(client)
    worker.drain()

    assert status_of(client, answer.json) == "synced"
    assert len(crm.all()) == 1


@pytest.mark.parametrize("mode", ["cut_before", "html", "error_in_200"])
def test_an_answer_that_makes_no_sense_is_never_synced(client, crm, worker, mode):
    crm.fault(mode, count=None, method="POST")

    answer = post(client)
    assert answer.json["sync_status"] == "pending"

    crm.heal()
    worker.drain()
    assert status_of(client, answer.json) == "synced"
    assert len(crm.all()) == 1


def test_an_answer_that_names_another_users_record_is_a_conflict_and_overwrites_nothing(client, crm, user, another):
    crm.fault("wrong_crm_id", crm_id=user["crm_id"], count=1, method="POST")

    answer = client.post("/users", json=another())

    assert (answer.json["sync_status"], answer.json["crm_id"]) == ("conflict", None)
    assert client.get(f"/users/{user['id']}").json == user
    assert [one["kind"] for one in client.get("/sync/conflicts?status=open").json["data"]] == ["duplicate"]


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


def test_an_update_whose_answer_was_lost_does_not_flip_a_newer_edit_back(client, crm, user, worker):
    crm.fault("cut_after", count=3, method="PATCH")
    client.patch(f"/users/{user['id']}", json={"phone": "222-222-2222"})
    crm.heal()
    client.patch(f"/users/{user['id']}", json={"phone": "333-333-3333"})
    worker.drain()

    assert client.get(f"/users/{user['id']}").json["phone"] == "333-333-3333"
    assert crm.get(user["crm_id"])["phone"] == "333-333-3333"
    assert client.get("/sync/conflicts").json["data"] == []


def test_a_change_taken_back_while_its_push_was_lost_is_taken_back_there_too(client, crm, user, worker):
    crm.fault("cut_after", count=3, method="PATCH")
    client.patch(f"/users/{user['id']}", json={"phone": "222-222-2222"})
    crm.heal()
    client.patch(f"/users/{user['id']}", json={"phone": user["phone"]}, headers={"Prefer": "respond-async"})
    worker.drain()

    assert crm.get(user["crm_id"])["phone"] == user["phone"]
    assert client.get(f"/users/{user['id']}").json["phone"] == user["phone"]


def test_a_crash_between_the_crms_answer_and_ours_makes_no_second_record(client, crm, engine, clock, worker):
    answer = post(client, Prefer="respond-async")

    def die(request):
        if request.path_url == "/crm/users":
            raise KeyboardInterrupt

    crm.line.after = die
    with pytest.raises(KeyboardInterrupt):
        worker.push()
    crm.line.after = lambda _request: None
    assert len(crm.all()) == 1

    clock.pass_(minutes=2)  # the lease of the dead worker runs out
    worker.drain()

    assert status_of(client, answer.json) == "synced"
    assert len(crm.all()) == 1


def test_nobody_else_pushes_what_is_leased(client, crm, engine, worker):
    post(client, Prefer="respond-async")
    seen = []
    crm.line.before = lambda _request: seen.append(worker.push())
    worker.push()

    assert set(seen) == {0}
    assert len(crm.all()) == 1


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
