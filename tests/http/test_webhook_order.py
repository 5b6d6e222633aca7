"""Webhooks are taken once, give the same in any order, and are never echoed."""

import itertools
import json
import threading
from datetime import timedelta

import pytest

from app.core.kinds import format_time
from tests.support.users import fields_of, journal_of
from tests.support.webhooks import JSON, delivery


def test_an_unsigned_repeat_is_known_by_its_content(client, user, clock):
    fields = {"name": "B", "phone": None}
    raw = delivery(user["crm_id"], fields, clock, version=2)
    reordered = json.dumps(dict(reversed(json.loads(raw).items())), indent=2).encode()

    outcomes = [client.post("/webhook", data=one, content_type=JSON).json["outcome"] for one in (raw, raw, reordered)]

    assert outcomes == ["applied", "duplicate", "duplicate"]
    assert len(journal_of(client, user)) == 2


def _deliveries(clock, stamped):
    """Four changes of one record, as the CRM made them one after the other."""
    told = [{"name": "One", "phone": None}, {"name": "Two"}, {"email": "three@example.com", "phone": "555-010-9999"},
            {"name": "Four"}]  # fmt: skip
    start = clock.now()
    return [
        {"updated_fields": fields, "timestamp": format_time(start + timedelta(seconds=number)), **stamped(number)}
        for number, fields in enumerate(told)
    ]


@pytest.mark.parametrize("stamped", [lambda n: {"version": 2 + n}, lambda _: {}], ids=["versions", "timestamps"])
def test_every_order_of_the_same_deliveries_gives_the_same_state(client, crm, worker, clock, another, stamped):
    clock.pass_(seconds=1)
    end = {"name": "Four", "phone": "555-010-9999"}
    for order in itertools.permutations(range(4)):
        one = client.post("/users", json=another(name="Start")).json
        clock.pass_(seconds=1)
        deliveries = _deliveries(clock, stamped)
        clock.pass_(seconds=5)
        end["email"] = deliveries[2]["updated_fields"]["email"] = f"three{order}@example.com".translate(
            {ord(character): None for character in "(), "}
        )
        for number in (*order, order[0], order[2]):
            answer = client.post("/webhook", json={"crm_id": one["crm_id"], **deliveries[number]})
            assert answer.status_code == 200, answer.json
        found = client.get(f"/users/{one['id']}").json
        assert (order, fields_of(found), found["sync_status"]) == (order, end, "synced")
    calls = len(crm.calls("PATCH"))
    worker.push()
    assert len(crm.calls("PATCH")) == calls == 0
    assert client.get("/sync/conflicts").json["data"] == []


def test_one_delivery_a_hundred_times_at_once_is_applied_once(app, client, user, clock):
    raw = delivery(user["crm_id"], {"name": "B"}, clock, version=2)
    outcomes, start = [], threading.Barrier(20)

    def deliver():
        own = app.test_client()
        start.wait()
        for _ in range(5):
            answer = own.post("/webhook", data=raw, content_type=JSON)
            outcomes.append((answer.status_code, answer.json["outcome"]))

    threads = [threading.Thread(target=deliver) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [(200, "applied"), *[(200, "duplicate")] * 99]
    assert [one["to"] for one in journal_of(client, user)] == ["B"]
    assert client.get(f"/users/{user['id']}").json["version"] == user["version"] + 1


def test_our_own_change_coming_back_makes_no_call(client, crm, worker, user, webhook):
    client.patch(f"/users/{user['id']}", json={"name": "B"})
    there, calls = crm.get(user["crm_id"]), len(crm.calls())

    answer = webhook(user["crm_id"], {"name": "B"}, version=there["version"], timestamp=there["updated_at"])
    worker.drain()

    assert answer.json["outcome"] == "unchanged"
    assert len(crm.calls()) == calls


def test_each_field_is_as_old_as_its_own_news(client, user, webhook):
    webhook(user["crm_id"], {"name": "Newer"}, version=5)

    answer = webhook(user["crm_id"], {"name": "Older", "phone": "555-010-9999"}, version=3)

    assert (answer.json["outcome"], answer.json["fields"]) == ("applied", ["phone"])
    assert webhook(user["crm_id"], {"name": "Oldest"}, version=2).json["outcome"] == "stale"
    assert fields_of(client.get(f"/users/{user['id']}").json) == {
        "name": "Newer", "email": user["email"], "phone": "555-010-9999",
    }  # fmt: skip
