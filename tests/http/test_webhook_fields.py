"""Webhooks that set what must not be set, or what cannot be."""

from app.core.kinds import format_time


def test_protected_and_unknown_fields_are_passed_over(client, user, webhook):
    told = {"id": "1", "crm_id": "CRM1", "version": 99, "sync_status": "failed", "deleted_at": "x", "colour": {"a": []}}

    assert webhook(user["crm_id"], told, version=2).json["outcome"] == "unchanged"
    assert client.get(f"/users/{user['id']}").json == user
    assert webhook(user["crm_id"], {**told, "name": "B"}, version=3).json["fields"] == ["name"]


BAD = [
    ({"updated_fields": {"phone": "x"}}, "updated_fields.phone"),
    ({"updated_fields": {"phone": 5550109999}}, "updated_fields.phone"),
    ({"updated_fields": {"phone": ["x"]}}, "updated_fields.phone"),
    ({"updated_fields": {"email": "no"}}, "updated_fields.email"),
    ({"updated_fields": {"email": None}}, "updated_fields.email"),
    ({"updated_fields": {"name": " "}}, "updated_fields.name"),
    ({"updated_fields": {"name": "x" * 201}}, "updated_fields.name"),
    ({"updated_fields": None}, "updated_fields"),
    ({"updated_fields": []}, "updated_fields"),
    ({"updated_fields": "phone"}, "updated_fields"),
    ({"updated_fields": ...}, "updated_fields"),
    ({"crm_id": ...}, "crm_id"),
    ({"crm_id": None}, "crm_id"),
    ({"crm_id": ""}, "crm_id"),
    ({"crm_id": 123}, "crm_id"),
    ({"crm_id": "x" * 256}, "crm_id"),
    ({"timestamp": ...}, "timestamp"),
    ({"timestamp": "yesterday"}, "timestamp"),
    ({"timestamp": "2023-10-15T12:00:00"}, "timestamp"),
    ({"timestamp": 1697371200}, "timestamp"),
    ({"event": "exploded"}, "event"),
    ({"event": None}, "event"),
    ({"resource": "planets"}, "resource"),
    ({"resource": {}}, "resource"),
    ({"version": "2"}, "version"),
    ({"version": -1}, "version"),
    ({"version": 1.5}, "version"),
    ({"version": True}, "version"),
    ({"external_id": 1}, "external_id"),
]


def test_a_malformed_delivery_is_refused_and_the_field_is_named(client, clock, user):
    for change, name in BAD:
        body = {"crm_id": user["crm_id"], "updated_fields": {"name": "B"}, "timestamp": format_time(clock.now())}
        body = {key: value for key, value in (body | change).items() if value is not ...}
        answer = client.post("/webhook", json=body)
        assert (change, answer.status_code) == (change, 400)
        assert name in answer.json["errors"], (change, answer.json)
        assert name in answer.json["error"]
    assert client.get(f"/users/{user['id']}").json == user


def test_an_email_that_belongs_to_another_is_a_conflict_and_overwrites_nothing(
    client, crm, worker, user, another, webhook
):
    other = client.post("/users", json=another()).json
    calls = len(crm.calls())

    answer = webhook(user["crm_id"], {"email": other["email"].upper(), "name": "B"}, version=2)
    worker.drain()

    assert (answer.status_code, answer.json["fields"]) == (200, ["name"])
    found = client.get(f"/users/{user['id']}").json
    assert (found["email"], found["name"], found["sync_status"]) == (user["email"], "B", "conflict")
    assert client.get(f"/users/{other['id']}").json == other
    [conflict] = client.get("/sync/conflicts?kind=duplicate&status=open").json["data"]
    assert (conflict["record_id"], conflict["field"], conflict["local"], conflict["crm"]) == (
        user["id"], "email", user["email"], other["email"].upper(),
    )  # fmt: skip
    assert len(crm.calls()) == calls
