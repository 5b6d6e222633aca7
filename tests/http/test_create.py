"""Creating a user: stored, pushed, answered; once, whatever the caller repeats."""

import pytest
from flask import current_app

from app.http.rest import _claim
from app.services import records
from app.services.records import Claim

SEED = {"name": "John Smith", "email": "john.smith@example.com", "phone": "123-456-7890"}


def test_the_seeds_payload_is_stored_and_in_the_crm_when_it_is_answered(client, crm):
    answer = client.post("/users", json=SEED)

    assert answer.status_code == 201
    assert answer.json["sync_status"] == "synced"
    assert answer.headers["Location"] == f"/users/{answer.json['id']}"
    assert answer.headers["ETag"]
    there = crm.get(answer.json["crm_id"])
    assert {name: there[name] for name in SEED} == SEED
    assert there["external_id"] == answer.json["id"]


def test_every_wrong_field_is_named(client, crm):
    answer = client.post("/users", json={"name": " ", "email": "no", "phone": "x", "id": "1", "colour": "red"})

    assert answer.status_code == 400
    assert answer.mimetype == "application/problem+json"
    assert set(answer.json["errors"]) == {"name", "email", "phone", "id", "colour"}
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    assert not crm.all()


def test_a_phone_is_optional(client):
    assert client.post("/users", json={"name": "A", "email": "a@example.com"}).json["phone"] is None


def test_an_email_is_taken_in_any_letter_case(client, user):
    answer = client.post("/users", json={"name": "Other", "email": user["email"].upper()})

    assert answer.status_code == 409
    assert answer.json["code"] == "taken"


def test_the_email_of_a_deleted_user_is_free_again(client, user):
    client.delete(f"/users/{user['id']}")

    assert client.post("/users", json={"name": "Other", "email": user["email"]}).status_code == 201


def test_a_caller_who_prefers_it_is_answered_before_the_push(client, crm, worker):
    answer = client.post("/users", json=SEED, headers={"Prefer": "respond-async"})

    assert (answer.status_code, answer.json["sync_status"]) == (201, "pending")
    assert not crm.all()
    worker.push()
    assert client.get(f"/users/{answer.json['id']}").json["sync_status"] == "synced"


class TestWorkerMode:
    @pytest.fixture
    def settings(self):
        return {"SYNC_MODE": "worker"}

    def test_the_worker_pushes_what_was_answered_at_once(self, client, crm, worker):
        answer = client.post("/users", json=SEED)
        assert answer.json["sync_status"] == "pending"

        worker.push()

        assert client.get(f"/users/{answer.json['id']}").json["sync_status"] == "synced"
        assert len(crm.all()) == 1


def test_the_same_key_gets_the_same_answer_and_makes_one_user(client, crm):
    first = client.post("/users", json=SEED, headers={"Idempotency-Key": "k1"})
    again = client.post("/users", json=SEED, headers={"Idempotency-Key": "k1"})

    assert (again.status_code, again.json) == (201, first.json)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(crm.all()) == 1


def test_a_key_stands_for_one_request_only(client):
    client.post("/users", json=SEED, headers={"Idempotency-Key": "k1"})
    answer = client.post("/users", json=SEED | {"name": "Other"}, headers={"Idempotency-Key": "k1"})

    assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")


def test_a_request_that_was_cut_off_after_the_commit_is_answered_with_its_record(client, engine, crm):

    with current_app.test_request_context("/users", headers={"Idempotency-Key": "k1"}):
        claim = _claim(engine.registry["users"], SEED)
    assert isinstance(claim, Claim)
    record = records.create(engine, engine.registry["users"], dict(SEED), claim=claim)

    answer = client.post("/users", json=SEED, headers={"Idempotency-Key": "k1"})

    assert (answer.status_code, answer.json["id"]) == (201, record.id)


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "ü"])
def test_a_key_must_be_visible_ascii(client, key):
    assert client.post("/users", json=SEED, headers={"Idempotency-Key": key}).status_code == 400


def test_both_addresses_are_the_same_api(client):
    answer = client.post("/api/v1/users", json=SEED)

    assert answer.headers["Location"] == f"/api/v1/users/{answer.json['id']}"
    assert client.get(f"/users/{answer.json['id']}").json == client.get(answer.headers["Location"]).json
