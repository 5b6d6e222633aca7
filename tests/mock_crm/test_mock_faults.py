"""Injected faults, as a caller in the same process sees them."""

import pytest


def test_a_status_is_played_as_often_as_asked_and_without_the_write(crm, ann, fault, users):
    fault("status", status=503, count=2, method="post", retry_after="soon", headers={"X-Why": "test"})
    answers = [crm.post("/crm/users", json=ann) for _ in range(3)]
    assert [each.status_code for each in answers] == [503, 503, 201]
    assert (answers[0].headers["Retry-After"], answers[0].headers["X-Why"]) == ("soon", "test")
    assert len(users()) == 1


def test_a_status_can_come_after_the_write(crm, ann, fault, users):
    fault("status", status=502, body="<h1>Bad gateway</h1>", write=True)
    answer = crm.post("/crm/users", json=ann)
    assert (answer.status_code, answer.text) == (502, "<h1>Bad gateway</h1>")
    assert len(users()) == 1


def test_a_fault_is_for_records_unless_it_names_a_path(crm, fault):
    fault("status", status=500)
    client = {"client_id": "demo-client", "client_secret": "demo-secret"}
    assert crm.post("/crm/token", data=client).status_code == 200
    fault("status", status=500, path="/crm/token", count=None)
    assert crm.post("/crm/token", data=client).status_code == 500
    assert crm.post("/api/v1/token", data=client).status_code == 500
    assert crm.get("/crm/users").status_code == 500
    assert crm.get("/crm/users").status_code == 200


def test_a_fault_can_let_some_calls_pass_first(crm, fault):
    fault("status", status=500, after=2, path="/crm/users")
    assert [crm.get("/crm/users").status_code for _ in range(4)] == [200, 200, 500, 200]


def test_a_fault_can_have_a_chance(crm, fault):
    fault("status", status=500, chance=0.3, count=None)
    failed = sum(crm.get("/crm/users").status_code == 500 for _ in range(200))
    assert 30 < failed < 90


def test_faults_are_listed_and_healed(crm, fault):
    fault("status", status=500, count=None)
    crm.get("/crm/users")
    (listed,) = crm.get("/crm/_faults").json["items"]
    assert (listed["mode"], listed["status"], listed["count"], listed["hits"]) == ("status", 500, None, 1)
    assert crm.delete("/crm/_faults").json == {"healed": 1}
    assert crm.get("/crm/users").status_code == 200


@pytest.mark.parametrize(("mode", "stored"), [("cut_before", 0), ("cut_after", 1)])
def test_a_cut_is_a_connection_error(crm, ann, fault, users, *, mode, stored):
    fault(mode)
    with pytest.raises(ConnectionError):
        crm.post("/crm/users", json=ann)
    assert len(users()) == stored
    assert crm.get("/crm/_stats").json["by_status"]["499"] == 1


@pytest.mark.parametrize(
    ("mode", "parameters", "status", "text", "stored"),
    [
        ("html", {}, 200, "<h1>", 0),
        ("bad_json", {}, 200, '{"crm_id": "CRM', 1),
        ("empty", {}, 200, "", 1),
        ("empty", {"status": 204, "write": False}, 204, "", 0),
        ("error_in_200", {}, 200, '{"error": "internal"}', 0),
        ("redirect", {"location": "http://elsewhere.example/"}, 302, "", 0),
        ("expired_token", {}, 401, "invalid_token", 0),
        ("huge", {"megabytes": 2}, 200, "x" * 2_000_000, 1),
    ],
)
def test_an_answer_is_replaced(crm, ann, fault, users, *, mode, parameters, status, text, stored):
    fault(mode, **parameters)
    answer = crm.post("/crm/users", json=ann)
    assert (answer.status_code, text in answer.text) == (status, True)
    assert answer.headers.get("Location") == parameters.get("location")
    assert len(users()) == stored


@pytest.mark.parametrize(
    ("mode", "parameters", "crm_id"),
    [
        ("no_crm_id", {}, "absent"),
        ("null_crm_id", {}, None),
        ("wrong_crm_id", {"crm_id": "CRM77"}, "CRM77"),
        ("alter", {"set": {"crm_id": 5}}, 5),
        ("alter", {"rename": {"crm_id": "id"}}, "absent"),
    ],
)
def test_an_answer_is_altered_alone_and_in_lists(crm, ann, fault, *, mode, parameters, crm_id):
    fault(mode, count=3, **parameters)
    one = crm.post("/crm/users", json=ann)
    (listed,) = crm.get("/crm/users").json["items"]
    (result,) = crm.post("/crm/users/batch", json={"items": [ann]}).json["results"]
    assert [each.get("crm_id", "absent") for each in (one.json, listed, result)] == [crm_id] * 3
    assert one.status_code == 201


def test_a_token_can_have_an_odd_lifetime(crm, fault):
    fault("alter", path="/crm/token", set={"expires_in": "soon"})
    answer = crm.post("/crm/token", data={"client_id": "demo-client", "client_secret": "demo-secret"})
    assert answer.json["expires_in"] == "soon"


def test_a_list_can_repeat_its_items(crm, ann, fault):
    crm.post("/crm/users", json=ann)
    fault("repeat_items")
    assert [each["crm_id"] for each in crm.get("/crm/users").json["items"]] == ["CRM1001", "CRM1001"]


def test_a_crm_with_its_own_ideas_stores_something_else(crm, ann, fault):
    fault("normalise")
    fault("truncate_fields", length=5)
    fault("ignore_field", field="phone")
    sent = {**ann, "name": "  Bartholomew ", "email": "A@B.Example"}
    for _ in range(2):
        answer = crm.post("/crm/users", json=sent).json
        assert (answer["name"], answer["email"], answer["phone"]) == ("Barth", "a@b.e", None)
    crm.delete("/crm/_faults")
    assert crm.post("/crm/users", json=sent).json["name"] == sent["name"]


def test_a_crm_can_keep_only_the_digits_of_a_phone_number(crm, ann, fault):
    fault("digits_only")
    assert crm.post("/crm/users", json=ann).json["phone"] == "+49301234"
    assert crm.post("/crm/users", json={**ann, "phone": None}).json["phone"] is None


def test_a_crm_without_idempotency_doubles(crm, ann, fault):
    fault("no_idempotency")
    ids = {crm.post("/crm/users", json=ann, headers={"Idempotency-Key": "k"}).json["crm_id"] for _ in range(2)}
    assert len(ids) == 2


def test_a_crm_can_list_late(start, clock, ann, auth):
    crm = start(CLOCK=clock).test_client()
    crm.post("/crm/_faults", json={"mode": "lists_late", "seconds": 30})
    stamp = crm.post("/crm/users", json=ann, headers=auth).json["updated_at"]
    page = crm.get("/crm/users", headers=auth).json
    clock.now += 31
    assert page["items"] == []
    assert crm.get(f"/crm/users?updated_since={page['next_cursor']}", headers=auth).json["items"] == []
    assert len(crm.get(f"/crm/users?updated_since={stamp}", headers=auth).json["items"]) == 1


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "mode"),
        ({"mode": "nope"}, "mode"),
        ({"mode": ["slow"]}, "mode"),
        ({"mode": "status"}, "status"),
        ({"mode": "status", "status": 200}, "status"),
        ({"mode": "status", "status": 500, "count": 0}, "count"),
        ({"mode": "status", "status": 500, "headers": {"A": "b\r\nC: d"}}, "headers"),
        ({"mode": "slow"}, "seconds"),
        ({"mode": "slow", "seconds": -1}, "seconds"),
        ({"mode": "slow", "seconds": True}, "seconds"),
        ({"mode": "slow", "secnds": 1}, "secnds"),
        ({"mode": "redirect", "location": "http://ü\u0142"}, "location"),
        ({"mode": "webhook_shuffle", "count": None}, "count"),
    ],
)
def test_a_fault_that_makes_no_sense_is_refused_by_name(crm, body, named):
    answer = crm.post("/crm/_faults", json=body)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_fault")
    assert named in answer.json["message"]


def test_there_are_no_faults_unless_they_are_switched_on(start):
    client = start(FAULTS=0).test_client()
    for answer in (client.get("/crm/_faults"), client.post("/crm/_faults", json={}), client.delete("/crm/_faults")):
        assert (answer.status_code, answer.json["error"]) == (404, "not_found")


def test_a_dropped_webhook_never_comes(crm, ann, fault, subscribed, eventually):
    fault("webhook_drop")
    crm.post("/crm/users", json=ann)
    crm.post("/crm/users", json=ann)
    assert [each["crm_id"] for each in subscribed.wait_for(1)] == ["CRM1002"]
    eventually(lambda: crm.get("/crm/_stats").json["webhooks"]["waiting"] == 0)


def test_a_doubled_webhook_comes_twice_with_one_id(crm, ann, fault, subscribed):
    fault("webhook_double")
    crm.post("/crm/users", json=ann)
    subscribed.wait_for(2)
    assert len({headers["webhook-id"] for headers, _ in subscribed.got}) == 1


def test_a_delayed_webhook_comes_later(crm, ann, fault, subscribed):
    fault("webhook_delay", seconds=0.3)
    crm.post("/crm/users", json=ann)
    crm.post("/crm/users", json=ann)
    assert [each["crm_id"] for each in subscribed.wait_for(2)] == ["CRM1002", "CRM1001"]


def test_shuffled_webhooks_come_backwards(crm, ann, fault, subscribed):
    fault("webhook_shuffle", count=3)
    crm.post("/crm/users", json=ann)
    crm.patch("/crm/users/CRM1001", json={"phone": "1"})
    assert subscribed.got == []
    crm.patch("/crm/users/CRM1001", json={"phone": "2"})
    assert [each["version"] for each in subscribed.wait_for(3)] == [3, 2, 1]


def test_healing_lets_go_of_held_webhooks(crm, ann, fault, subscribed):
    fault("webhook_shuffle", count=9)
    crm.post("/crm/users", json=ann)
    crm.delete("/crm/_faults")
    assert [each["version"] for each in subscribed.wait_for(1)] == [1]
