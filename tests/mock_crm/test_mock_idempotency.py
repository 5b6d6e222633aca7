"""Idempotency-Key: the same call again is the same call."""

from concurrent.futures import ThreadPoolExecutor

KEY = {"Idempotency-Key": "k-1"}


def test_the_same_call_again_gets_the_same_answer(crm, ann, users):
    first, second = (crm.post("/crm/users", json=ann, headers=KEY) for _ in range(2))
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert (second.status_code, second.json, second.headers["Location"]) == (201, first.json, first.headers["Location"])
    assert len(users()) == 1


def test_the_first_answer_is_given_even_after_a_change(crm, ann):
    first = crm.post("/crm/users", json=ann, headers=KEY).json
    crm.patch("/crm/users/CRM1001", json={"name": "B"})
    assert crm.post("/crm/users", json=ann, headers=KEY).json == first


def test_a_key_with_another_body_is_refused(crm, ann, users):
    crm.post("/crm/users", json=ann, headers=KEY)
    answer = crm.post("/crm/users", json={**ann, "name": "B"}, headers=KEY)
    assert (answer.status_code, answer.json["error"]) == (422, "idempotency_key_reused")
    assert len(users()) == 1


def test_a_key_is_remembered_across_a_restart_for_a_day(start, clock, ann, auth):
    ids = []
    for hours in (0, 23, 2):
        clock.now += hours * 3600
        client = start(CLOCK=clock).test_client()
        ids.append(client.post("/crm/users", json=ann, headers={**auth, **KEY}).json["crm_id"])
    assert ids == ["CRM1001", "CRM1001", "CRM1002"]


def test_a_refused_call_does_not_use_up_the_key(crm, ann):
    assert crm.post("/crm/users", json={}, headers=KEY).status_code == 400
    assert crm.post("/crm/users", json=ann, headers=KEY).status_code == 201


def test_fifty_at_once_make_one_record(mock_app, auth, ann, users):
    def post(_):
        return mock_app.test_client().post("/crm/users", json=ann, headers={**auth, **KEY})

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(post, range(50)))
    assert {(each.status_code, each.json["crm_id"]) for each in answers} == {(201, "CRM1001")}
    assert sum("Idempotent-Replayed" not in each.headers for each in answers) == 1
    assert len(users()) == 1


def test_a_batch_has_its_own_keys(crm, ann, users):
    crm.post("/crm/users", json=ann, headers=KEY)
    first, second = (crm.post("/crm/users/batch", json={"items": [ann]}, headers=KEY) for _ in range(2))
    assert (second.json, second.headers["Idempotent-Replayed"]) == (first.json, "true")
    assert len(users()) == 2


def test_a_key_that_is_too_long_is_refused(crm, ann):
    assert crm.post("/crm/users", json=ann, headers={"Idempotency-Key": "k" * 256}).status_code == 400
