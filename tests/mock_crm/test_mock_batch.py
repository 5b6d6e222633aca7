"""The batch: guarded by versions, spoilt by faults like any other call, told of, and fast."""

import time

import pytest


@pytest.fixture
def batch(crm):
    def batch(*items, **more):
        answer = crm.post("/crm/users/batch", json={"items": items}, **more)
        assert answer.status_code == 200
        return answer.json["results"]

    return batch


def person(number, **more):
    return {"name": f"Person {number}", "email": f"p{number}@example.com", "external_id": f"e-{number}", **more}


def test_a_create_that_must_be_the_first_makes_a_record_once(batch, users):
    (made,) = batch(person(1, if_version=0))
    again, other = batch(person(1, name="Another", if_version=0), person(2, if_version=0))
    assert [each["status"] for each in (made, again, other)] == [201, 412, 201]
    assert (again["error"], again["version"], again["external_id"]) == ("version_mismatch", 1, "e-1")
    assert [(each["name"], each["version"]) for each in users()] == [("Person 1", 1), ("Person 2", 1)]


def test_the_second_of_two_equal_creates_in_one_batch_is_refused(batch, users):
    assert [each["status"] for each in batch(person(1, if_version=0), person(1, if_version=0))] == [201, 412]
    assert len(users()) == 1


def test_a_deleted_record_does_not_stand_in_the_way_of_a_new_one(crm, batch):
    batch(person(1, if_version=0))
    crm.delete("/crm/users/CRM1001")
    (made,) = batch(person(1, if_version=0))
    assert (made["status"], made["crm_id"]) == (201, "CRM1002")


@pytest.mark.parametrize("if_version", [{}, {"if_version": 2}, {"if_version": 0}, {"if_version": None}])
def test_a_tombstone_is_not_found_and_stays_one(crm, batch, users, if_version):
    batch(person(1))
    crm.delete("/crm/users/CRM1001")
    gone, made = batch({"crm_id": "CRM1001", "name": "Back", **if_version}, person(2))
    assert (gone["status"], gone["error"], gone["crm_id"], made["status"]) == (404, "not_found", "CRM1001", 201)
    assert [each["deleted"] for each in users()] == [True, False]


def test_an_empty_id_is_no_request_for_a_new_record(batch, users):
    assert batch(person(1, crm_id=""))[0]["status"] == 404
    assert users() == []


def test_the_same_batch_with_the_same_key_is_done_once(batch, users):
    items = [person(1, if_version=0), {"crm_id": "CRM7", "name": "x"}]
    first, second = (batch(*items, headers={"Idempotency-Key": "k"}) for _ in range(2))
    assert first == second
    assert [each["status"] for each in first] == [201, 404]
    assert len(users()) == 1


@pytest.mark.parametrize(
    ("mode", "parameters", "status", "stored"),
    [
        ("status", {"status": 503, "method": "POST"}, 503, 0),
        ("status", {"status": 502, "write": True, "resource": "users"}, 502, 1),
        ("status", {"status": 404, "path": "/crm/users/batch"}, 404, 0),
        ("bad_json", {}, 200, 1),
        ("expired_token", {}, 401, 0),
    ],
)
def test_a_batch_is_spoilt_like_any_other_call(crm, fault, users, *, mode, parameters, status, stored):
    fault(mode, **parameters)
    answers = [crm.post("/crm/users/batch", json={"items": [person(1, if_version=0)]}) for _ in range(2)]
    assert [each.status_code for each in answers] == [status, 200]
    assert answers[1].json["results"][0]["status"] == (412 if stored else 201)
    assert len(users()) == 1


@pytest.mark.parametrize("mode", ["cut_before", "cut_after"])
def test_a_batch_can_be_cut(crm, fault, users, mode):
    fault(mode, method="POST", resource="users")
    with pytest.raises(ConnectionError):
        crm.post("/crm/users/batch", json={"items": [person(1)]})
    assert len(users()) == (mode == "cut_after")


def test_a_crm_with_its_own_ideas_has_them_in_a_batch_too(batch, fault):
    fault("normalise")
    made, changed = batch(person(1, email="P1@Example.com"), {"crm_id": "CRM1001", "name": "  Ann "})
    assert (made["email"], changed["name"]) == ("p1@example.com", "Ann")


def test_only_what_changed_is_told_of(crm, batch, subscribed, eventually):
    batch(person(1), person(2), {"crm_id": "CRM1001", "name": "Ann"}, {"name": "no mail"}, {"crm_id": "CRM1002"})
    told = [(each["crm_id"], each["event"], each["version"]) for each in subscribed.wait_for(3)]
    assert sorted(told) == [("CRM1001", "created", 1), ("CRM1001", "updated", 2), ("CRM1002", "created", 1)]
    # The last is noted as told after it was heard.
    eventually(lambda: crm.get("/crm/_stats").json["webhooks"]["waiting"] == 0)


def test_a_thousand_records_are_made_in_a_moment(crm, batch):
    crm.application.extensions["mock_crm"].sender.wake = lambda: None  # what the webhooks cost is not asked here
    crm.post("/crm/webhooks", json={"url": "http://127.0.0.1:9/", "secret": "s"})
    took = []
    for first in (0, 1000, 2000):
        started = time.perf_counter()
        batch(*(person(number, if_version=0) for number in range(first, first + 1000)))
        took.append(time.perf_counter() - started)
    assert min(took) < 1  # 0.06 s on a quiet machine
