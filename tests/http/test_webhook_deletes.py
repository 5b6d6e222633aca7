"""Webhooks about deleted records: deleted stays deleted."""

from app.core.kinds import format_time


def test_what_the_crm_deletes_stays_deleted(client, crm, worker, user, webhook):
    crm.delete(user["crm_id"])

    answer = webhook(user["crm_id"], event="deleted", version=2)

    assert (answer.status_code, answer.json["outcome"]) == (200, "applied")
    assert client.get(f"/users/{user['id']}").status_code == 404
    for late in ({"version": 3}, {}):
        assert webhook(user["crm_id"], {"name": "Revived"}, **late).status_code == 200
    worker.drain()
    assert client.get(f"/users/{user['id']}").status_code == 404
    assert len(crm.calls("PATCH")) == len(crm.calls("DELETE")) == 0


def test_an_update_of_a_record_that_was_deleted_here_keeps_it_deleted(client, crm, worker, user, webhook):
    client.delete(f"/users/{user['id']}", headers={"Prefer": "respond-async"})
    crm.edit(user["crm_id"], name="Revived")

    assert webhook(user["crm_id"], {"name": "Revived"}, version=2).status_code == 200
    worker.drain()

    assert client.get(f"/users/{user['id']}").status_code == 404
    assert crm.get(user["crm_id"]) is None


def test_a_delete_needs_no_fields(client, clock, user):
    body = {"crm_id": user["crm_id"], "event": "deleted", "timestamp": format_time(clock.now())}

    assert client.post("/webhook", json=body).json["outcome"] == "applied"
