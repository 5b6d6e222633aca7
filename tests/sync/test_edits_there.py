"""Records edited and deleted in the CRM: webhook and pull bring them here."""

from tests.support.settings import ANN
from tests.support.users import conflicts, patch, read


def test_an_edit_there_comes_with_the_webhook(client, crm, user, webhook):
    answer = webhook(user["crm_id"], {"phone": "987-654-3210"})

    assert (answer.json["outcome"], answer.json["fields"]) == ("applied", ["phone"])
    found = read(client, user)
    assert (found["phone"], found["version"], found["sync_status"]) == ("987-654-3210", 2, "synced")


def test_a_lost_webhook_is_repaired_by_the_next_pull(client, crm, user, worker):
    crm.edit(user["crm_id"], phone="987-654-3210")

    run = worker.pull()

    assert (run["status"], run["pulled"], run["updated"]) == ("succeeded", 1, 1)
    assert read(client, user)["phone"] == "987-654-3210"


def test_a_pull_without_news_is_one_call_and_changes_nothing(client, crm, user, worker):
    worker.pull()
    before = len(crm.calls("GET"))

    run = worker.pull()

    assert (run["pulled"], len(crm.calls("GET")) - before) == (0, 1)
    assert read(client, user) == user


def test_a_record_created_there_appears_here(client, crm, worker):
    there = crm.create(name="Bob Example", email="bob@example.com")
    worker.pull()

    found = client.get("/users?email=BOB@example.com").json["data"]
    assert [(one["crm_id"], one["sync_status"]) for one in found] == [(there["crm_id"], "synced")]
    assert crm.calls("POST") == crm.calls("PATCH") == []


def test_a_record_there_with_the_email_of_one_without_a_link_is_linked_not_doubled(client, crm, worker):
    there = crm.create(name="Ann of the CRM", email=ANN["email"].upper(), phone=ANN["phone"])
    user = client.post("/users", json=ANN, headers={"Prefer": "respond-async"}).json
    worker.pull()
    worker.drain()

    assert [one["crm_id"] for one in crm.all()] == [there["crm_id"]]
    assert read(client, user)["crm_id"] == there["crm_id"]
    assert read(client, user)["name"] == "Ann of the CRM"


def test_two_records_there_with_one_email_are_a_conflict_and_nothing_is_overwritten(client, crm, user, worker):
    crm.create(name="Another Ann", email=user["email"])
    worker.pull()
    worker.pull()

    assert read(client, user) == user
    assert [one["kind"] for one in conflicts(client, "?status=open")] == ["duplicate"]


def test_a_record_deleted_there_is_a_tombstone_here(client, crm, user, worker):
    crm.delete(user["crm_id"])
    worker.pull()

    assert client.get(f"/users/{user['id']}").status_code == 404
    assert client.get(f"/users/{user['id']}/changes").json["data"][0]["field"] == "deleted"


def test_a_record_that_turns_out_deleted_at_the_push_is_a_tombstone(client, crm, user):
    crm.delete(user["crm_id"])
    patch(client, user, phone="222-222-2222")

    assert client.get(f"/users/{user['id']}").status_code == 404
    assert [(one["kind"], one["local"]) for one in conflicts(client)] == [("deleted", "222-222-2222")]


def test_deleted_stays_deleted(client, crm, user, webhook, worker):
    webhook(user["crm_id"], event="deleted", version=2)
    late = webhook(user["crm_id"], {"phone": "987-654-3210"}, version=3)
    worker.drain()

    assert late.json["outcome"] == "unchanged"
    assert client.get(f"/users/{user['id']}").status_code == 404


def test_a_thousand_changes_come_in_pages_each_once(client, crm, worker, monkeypatch):
    monkeypatch.setattr("app.sync.feed.PAGE", 30)
    for number in range(100):
        crm.create(name=f"User {number}", email=f"user{number}@example.com")

    run = worker.pull()

    assert (run["created"], client.get("/users").json["pagination"]["total"]) == (100, 100)


def test_a_page_that_fails_keeps_what_came_before_and_goes_on_there(client, crm, worker, monkeypatch):
    monkeypatch.setattr("app.sync.feed.PAGE", 10)
    for number in range(30):
        crm.create(name=f"User {number}", email=f"user{number}@example.com")
    crm.fault("status", status=500, after=2, count=3, method="GET")

    assert (worker.pull()["status"], client.get("/users").json["pagination"]["total"]) == ("failed", 20)
    crm.heal()
    assert worker.pull()["status"] == "succeeded"
    assert client.get("/users").json["pagination"]["total"] == 30


def test_a_record_there_that_cannot_be_one_here_is_reported_and_the_rest_goes_on(client, crm, worker):
    crm.create(name="Bob", email="bob@example.com")
    good = crm.create(name="Eve", email="eve@example.com")
    line = crm.line.client.open

    def spoil(*args, **kwargs):
        answer = line(*args, **kwargs)
        answer.set_data(answer.get_data().replace(b"bob@example.com", b"not an address"))
        return answer

    crm.line.client.open = spoil
    run = worker.pull()

    assert (run["created"], run["skipped"]) == (1, 1)
    assert [one["crm_id"] for one in client.get("/users").json["data"]] == [good["crm_id"]]
    assert [one["kind"] for one in conflicts(client)] == ["invalid"]
