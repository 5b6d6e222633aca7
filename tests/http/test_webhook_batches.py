"""Webhooks in batches: an outcome for each."""

import json

from app.core.kinds import format_time
from tests.support.webhooks import JSON, signed


def test_a_batch_has_an_outcome_for_each_and_one_bad_item_holds_up_nobody(client, clock, user, another):
    other = client.post("/users", json=another()).json
    clock.pass_(seconds=1)
    now = format_time(clock.now())
    good = {"crm_id": user["crm_id"], "updated_fields": {"name": "B"}, "timestamp": now, "version": 2}
    batch = [
        good,
        {"crm_id": other["crm_id"], "updated_fields": {"phone": "x"}, "timestamp": now},
        7,
        good,
        {"crm_id": "CRM424242", "updated_fields": {"name": "X"}, "timestamp": now},
        {"crm_id": other["crm_id"], "updated_fields": {"phone": None}, "timestamp": now},
    ]

    answer = client.post("/webhook", json=batch)

    assert answer.status_code == 200
    results = answer.json["results"]
    assert [one["outcome"] for one in results] == ["applied", "invalid", "invalid", "duplicate", "parked", "applied"]
    assert [one["success"] for one in results] == [True, False, False, True, True, True]
    assert "updated_fields.phone" in results[1]["errors"]
    assert results[2]["error"]
    assert client.get(f"/users/{user['id']}").json["name"] == "B"


def test_a_signed_batch_again_is_a_duplicate_of_each(client, clock, user, another):
    other = client.post("/users", json=another()).json
    clock.pass_(seconds=1)
    now = format_time(clock.now())
    raw = json.dumps(
        [{"crm_id": one["crm_id"], "updated_fields": {"name": "B"}, "timestamp": now} for one in (user, other)]
    ).encode()
    headers = signed(clock, raw)

    outcomes = [
        [
            one["outcome"]
            for one in client.post("/webhook", data=raw, content_type=JSON, headers=headers).json["results"]
        ]
        for _ in range(2)
    ]

    assert outcomes == [["applied", "applied"], ["duplicate", "duplicate"]]


def test_a_batch_has_a_size(client, clock, user):
    one = {"crm_id": user["crm_id"], "updated_fields": {"name": "B"}, "timestamp": format_time(clock.now())}

    for batch in ([], [one] * 101):
        answer = client.post("/webhook", json=batch)
        assert (answer.status_code, answer.json["code"]) == (400, "invalid")
    assert client.get(f"/users/{user['id']}").json == user
    assert client.post("/webhook", json=[one] * 100).status_code == 200


def test_a_batch_without_one_good_item_is_refused_and_says_where(client, clock):
    answer = client.post("/webhook", json=[7, {"crm_id": "CRM1"}, None])

    assert answer.status_code == 400
    assert {"[0]", "[1].timestamp", "[2]"} <= set(answer.json["errors"])
