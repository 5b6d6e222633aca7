"""Webhooks about what is not known yet: parked, looked up, never lost."""

from datetime import timedelta

from app.core.kinds import format_time


def test_a_stamp_from_the_future_proves_nothing_and_the_record_is_fetched(client, crm, worker, clock, user, webhook):
    crm.edit(user["crm_id"], phone="555-010-9999")
    ahead = format_time(clock.now() + timedelta(hours=1))

    answer = webhook(user["crm_id"], {"name": "From the future"}, timestamp=ahead)

    assert (answer.status_code, answer.json["outcome"]) == (202, "parked")
    assert client.get(f"/users/{user['id']}").json == user
    worker.settle()
    found = client.get(f"/users/{user['id']}").json
    assert (found["name"], found["phone"]) == (user["name"], "555-010-9999")
    assert client.get("/sync/status").json["resources"]["users"]["parked"] == 0


def test_a_version_is_believed_whatever_the_clocks_say(client, clock, user, webhook):
    ahead = format_time(clock.now() + timedelta(days=1))

    assert webhook(user["crm_id"], {"name": "B"}, version=2, timestamp=ahead).json["outcome"] == "applied"
    assert client.get(f"/users/{user['id']}").json["last_updated"] <= format_time(clock.now())


def test_a_delivery_for_a_record_we_do_not_know_waits_until_we_do(client, crm, worker, clock, webhook):
    there = crm.create(name="Cleo", email="cleo@example.com", phone=None)

    answer = webhook(there["crm_id"], {"name": "Cleo"}, event="created", version=1)

    assert (answer.status_code, answer.json["outcome"]) == (202, "parked")
    clock.pass_(seconds=2)
    worker.settle()
    found = client.get("/users?email=cleo@example.com").json["data"]
    assert [(one["crm_id"], one["sync_status"]) for one in found] == [(there["crm_id"], "synced")]
    assert client.get("/sync/status").json["resources"]["users"]["parked"] == 0
    assert len(crm.all()) == 1


def test_a_delivery_that_overtakes_the_answer_to_our_create_is_not_lost(client, crm, worker, webhook, another):
    made = client.post("/users", json=another(), headers={"Prefer": "respond-async"}).json
    told = []

    def overtake(request):
        if request.method == "POST" and request.path_url == "/crm/users" and not told:
            there = crm.all()[0]
            crm.edit(there["crm_id"], phone="555-010-9999")
            told.append(webhook(there["crm_id"], {"phone": "555-010-9999"}, version=2))

    crm.line.after = overtake
    worker.drain()

    assert told[0].status_code == 202
    found = client.get(f"/users/{made['id']}").json
    assert (found["phone"], found["sync_status"]) == ("555-010-9999", "synced")
    assert len(crm.all()) == 1


def test_a_crm_id_that_nobody_knows_is_dropped_after_a_day(client, worker, clock, webhook):
    assert webhook("CRM424242", {"name": "X"}).status_code == 202
    for _ in range(60):
        clock.pass_(minutes=30)
        worker.settle()

    assert client.get("/sync/status").json["resources"]["users"]["parked"] == 0
    assert client.get("/users").json["data"] == []


def test_a_delivery_outlasts_a_crm_that_cannot_be_asked_for_two_days(client, crm, worker, clock, webhook):
    there = crm.create(name="Cleo", email="cleo@example.com", phone=None)
    webhook(there["crm_id"], {"name": "Cleo"}, event="created", version=1)
    crm.fault("status", status=503, count=None)
    for _ in range(200):
        clock.pass_(minutes=15)
        worker.settle()
    crm.heal()
    clock.pass_(minutes=15)
    worker.settle()

    assert [one["crm_id"] for one in client.get("/users?email=cleo@example.com").json["data"]] == [there["crm_id"]]


def test_a_clock_that_was_set_a_day_ahead_drops_nothing(client, crm, worker, clock, webhook):
    there = crm.create(name="Cleo", email="cleo@example.com", phone=None)
    webhook(there["crm_id"], {"name": "Cleo"}, event="created", version=1)
    clock.pass_(days=2)
    crm.fault("status", status=400, count=1, path=f"/crm/users/{there['crm_id']}")
    worker.settle()
    clock.pass_(minutes=15)
    worker.settle()

    assert [one["crm_id"] for one in client.get("/users?email=cleo@example.com").json["data"]] == [there["crm_id"]]
