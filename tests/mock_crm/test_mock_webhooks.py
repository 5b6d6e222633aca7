"""Webhooks: signed, in order for each record, retried, and not lost in a restart."""

import base64
import time

import pytest
from standardwebhooks import Webhook

SECRET = "whsec_" + base64.b64encode(b"0123456789abcdef01234567").decode()


def test_every_change_is_told_with_what_changed(crm, ann, subscribed):
    crm.post("/crm/users", json={**ann, "external_id": "e"})
    crm.patch("/crm/users/CRM1001", json={"name": ann["name"], "phone": "1"})
    crm.delete("/crm/users/CRM1001")
    created, updated, deleted = subscribed.wait_for(3)
    assert {**created, "timestamp": ""} == {
        "crm_id": "CRM1001",
        "resource": "users",
        "event": "created",
        "updated_fields": ann,
        "timestamp": "",
        "version": 1,
        "external_id": "e",
    }
    assert (updated["event"], updated["updated_fields"], updated["version"]) == ("updated", {"phone": "1"}, 2)
    assert (deleted["event"], deleted["updated_fields"], deleted["version"]) == ("deleted", {}, 3)
    assert updated["timestamp"].endswith("Z")


def test_a_write_that_changes_nothing_tells_nobody(crm, ann, subscribed):
    crm.post("/crm/users", json=ann)
    crm.patch("/crm/users/CRM1001", json=ann)
    crm.patch("/crm/users/CRM1001", json={"phone": "2"})
    assert [each["version"] for each in subscribed.wait_for(2)] == [1, 2]


@pytest.mark.parametrize("secret", [SECRET, "just some words"])
def test_another_library_accepts_the_signature(crm, ann, receiver, secret):
    crm.post("/crm/webhooks", json={"url": receiver.url, "secret": secret})
    crm.post("/crm/users", json=ann)
    receiver.wait_for(1)
    headers, body = receiver.got[0]
    known = secret if secret.startswith("whsec_") else base64.b64encode(secret.encode()).decode()
    assert Webhook(known).verify(body, {key.lower(): value for key, value in headers.items()})["crm_id"] == "CRM1001"


def test_webhooks_come_promptly(crm, ann, subscribed):
    crm.post("/crm/users", json=ann)
    subscribed.wait_for(1)
    started = time.monotonic()
    crm.patch("/crm/users/CRM1001", json={"phone": "9"})
    subscribed.wait_for(2)
    assert time.monotonic() - started < 0.5


def test_a_refused_webhook_is_tried_again_with_the_same_id(crm, ann, subscribed, eventually):
    answers = iter([500, 302, 404])
    subscribed.refuse = lambda _: next(answers, 204)
    crm.post("/crm/users", json=ann)
    subscribed.wait_for(4)
    assert len({headers["webhook-id"] for headers, _ in subscribed.got}) == 1
    eventually(lambda: crm.get("/crm/_stats").json["webhooks"] == {"sent": 1, "failed": 0, "waiting": 0})


def test_a_record_that_is_refused_holds_up_itself_only(crm, ann, subscribed):
    subscribed.refuse = lambda body: 500 if body["crm_id"] == "CRM1001" and len(subscribed.got) < 8 else 200
    crm.post("/crm/users", json=ann)
    crm.patch("/crm/users/CRM1001", json={"phone": "1"})
    for _ in range(5):
        crm.post("/crm/users", json=ann)
    bodies = subscribed.wait_for(9)
    assert {each["crm_id"] for each in bodies} == {f"CRM{number}" for number in range(1001, 1007)}
    versions = [each["version"] for each in bodies if each["crm_id"] == "CRM1001"]
    assert versions == sorted(versions)
    assert versions[-1] == 2


def test_each_record_is_told_of_in_order_whatever_fails(crm, ann, subscribed):
    count = iter(range(10_000))
    subscribed.refuse = lambda _: 503 if next(count) % 3 == 0 else 200
    for _ in range(4):
        crm.post("/crm/users", json=ann)
    for number in range(10):
        for crm_id in range(1001, 1005):
            crm.patch(f"/crm/users/CRM{crm_id}", json={"phone": str(number)})
    last = {crm_id: [] for crm_id in ("CRM1001", "CRM1002", "CRM1003", "CRM1004")}
    subscribed.wait_for(44)
    while crm.get("/crm/_stats").json["webhooks"]["waiting"]:
        time.sleep(0.01)
    for body in subscribed.bodies:
        last[body["crm_id"]].append(body["version"])
    assert all(versions == sorted(versions) and set(versions) == set(range(1, 12)) for versions in last.values())


def test_a_webhook_that_is_never_taken_is_given_up(start, auth, ann, receiver, eventually):
    receiver.refuse = lambda _: 410
    crm = start(WEBHOOK_PAUSE=0.0001).test_client()
    crm.post("/crm/webhooks", json={"url": receiver.url, "secret": "s"}, headers=auth)
    crm.post("/crm/users", json=ann, headers=auth)
    eventually(lambda: crm.get("/crm/_stats").json["webhooks"] == {"sent": 0, "failed": 1, "waiting": 0})
    assert len(receiver.got) == 12


def test_what_was_not_delivered_is_after_a_restart(start, auth, ann, receiver):
    first = start(WEBHOOK_PAUSE=60)
    receiver.refuse = lambda _: 503
    first.test_client().post("/crm/webhooks", json={"url": receiver.url, "secret": "s"}, headers=auth)
    first.test_client().post("/crm/users", json=ann, headers=auth)
    receiver.wait_for(1)
    first.extensions["mock_crm"].stop()
    receiver.refuse = lambda _: 200
    start()
    receiver.wait_for(2)
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1


def test_a_batch_tells_of_each_record(crm, subscribed):
    items = [{"name": f"P{number}", "email": "p@example.com"} for number in range(200)]
    crm.post("/crm/users/batch", json={"items": items})
    assert {each["crm_id"] for each in subscribed.wait_for(200)} == {f"CRM{1001 + number}" for number in range(200)}


def test_one_address_subscribes_once_and_can_change_its_secret(crm, ann, receiver):
    wanted = {"url": receiver.url, "secret": "old"}
    first, second = (crm.post("/crm/webhooks", json=wanted | {"secret": secret}) for secret in ("old", SECRET))
    assert (first.status_code, second.status_code, first.json["id"]) == (201, 200, second.json["id"])
    crm.post("/crm/users", json=ann)
    receiver.wait_for(1)
    headers, body = receiver.got[0]
    Webhook(SECRET).verify(body, {key.lower(): value for key, value in headers.items()})
    listed = crm.get("/crm/webhooks").json["items"]
    assert [(each["id"], each["url"], "secret" in each) for each in listed] == [("wh_1", receiver.url, False)]


def test_nothing_is_sent_after_unsubscribing(crm, ann, subscribed):
    assert crm.delete("/crm/webhooks/wh_1").status_code == 204
    assert crm.delete("/crm/webhooks/wh_1").status_code == 404
    crm.post("/crm/users", json=ann)
    assert crm.get("/crm/_stats").json["webhooks"]["waiting"] == 0


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"secret": "s"}, "url"),
        ({"url": "ftp://x.example", "secret": "s"}, "url"),
        ({"url": "http://", "secret": "s"}, "url"),
        ({"url": "http://[", "secret": "s"}, "url"),
        ({"url": "http://x:99999/", "secret": "s"}, "url"),
        ({"url": "http://x", "secret": ""}, "secret"),
        ({"url": "http://x", "secret": "whsec_*"}, "secret"),
        ({"url": "http://x", "secret": "s", "resources": ["nope"]}, "resources"),
        ({"url": "http://x", "secret": "s", "resources": [{}]}, "resources"),
    ],
)
def test_a_subscription_that_cannot_work_is_refused(crm, wanted, field):
    answer = crm.post("/crm/webhooks", json=wanted)
    assert (answer.status_code, list(answer.json["errors"])) == (400, [field])
