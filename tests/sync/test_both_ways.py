"""Records moving both ways: edits here, edits there, both at once, and what people see of it."""

import pytest

from tests.conftest import ANN


def read(client, user):
    return client.get(f"/users/{user['id']}").json


def patch(client, user, **fields):
    return client.patch(f"/users/{user['id']}", json=fields)


def patch_later(client, user, **fields):
    """Edit here without telling the CRM yet."""
    return client.patch(f"/users/{user['id']}", json=fields, headers={"Prefer": "respond-async"})


def conflicts(client, query=""):
    return client.get(f"/sync/conflicts{query}").json["data"]


# ── an edit here ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_edit_here_reaches_the_crm(client, crm, user):
    patch(client, user, phone="222-222-2222")

    assert crm.get(user["crm_id"])["phone"] == "222-222-2222"
    assert crm.calls("PATCH")[-1].headers["If-Match"] == '"1"'


def test_only_what_changed_is_sent(client, crm, user):
    patch(client, user, phone="222-222-2222")

    assert crm.calls("PATCH")[-1].body == b'{"phone": "222-222-2222"}'


def test_a_replaced_record_loses_what_it_does_not_mention(client, crm, user):
    client.put(f"/users/{user['id']}", json={"name": "B", "email": ANN["email"]})

    assert (crm.get(user["crm_id"])["name"], crm.get(user["crm_id"])["phone"]) == ("B", None)


def test_quick_edits_coalesce_into_one_call(client, crm, user, worker):
    for number in range(5):
        patch_later(client, user, phone=f"222-222-222{number}")
    worker.push()

    assert len(crm.calls("PATCH")) == 1
    assert crm.get(user["crm_id"])["phone"] == "222-222-2224"


def test_an_edit_that_is_taken_back_before_the_push_is_no_call(client, crm, user, worker):
    patch_later(client, user, phone="222-222-2222")
    patch_later(client, user, phone=ANN["phone"])
    worker.push()

    assert crm.calls("PATCH") == []
    assert read(client, user)["sync_status"] == "synced"


def test_an_edit_during_the_push_is_pushed_next(client, crm, user, worker):
    edited = []

    def edit_meanwhile(request):
        if request.method == "PATCH" and not edited:
            edited.append(True)
            patch_later(client, user, phone="333-333-3333")

    crm.line.before = edit_meanwhile
    patch(client, user, phone="222-222-2222")
    worker.drain()

    assert crm.get(user["crm_id"])["phone"] == "333-333-3333"
    assert read(client, user)["phone"] == "333-333-3333"
    assert conflicts(client) == []


def test_a_delete_here_is_a_delete_there(client, crm, user):
    assert client.delete(f"/users/{user['id']}").status_code == 204

    assert crm.get(user["crm_id"]) is None
    assert client.get(f"/users/{user['id']}").status_code == 404


def test_a_record_that_the_crm_never_heard_of_is_deleted_without_a_call(client, crm, worker):
    user = client.post("/users", json=ANN, headers={"Prefer": "respond-async"}).json
    client.delete(f"/users/{user['id']}")
    worker.push()

    assert crm.calls() == []


def test_a_delete_while_the_create_is_under_way_leaves_nothing_in_the_crm(client, crm, worker):
    crm.fault("cut_after", count=3, method="POST")
    user = client.post("/users", json=ANN).json
    client.delete(f"/users/{user['id']}")
    crm.heal()
    worker.drain()

    assert crm.all() == []


# ── an edit there ────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── both edit ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_different_fields_both_survive(client, crm, user):
    crm.edit(user["crm_id"], phone="987-654-3210")
    patch(client, user, name="Ann Here")

    here, there = read(client, user), crm.get(user["crm_id"])
    assert (here["name"], here["phone"]) == (there["name"], there["phone"]) == ("Ann Here", "987-654-3210")
    assert conflicts(client) == []


def test_on_the_same_field_the_crm_wins_and_both_values_are_listed(client, crm, user):
    crm.edit(user["crm_id"], phone="987-654-3210")
    patch(client, user, phone="222-222-2222")

    assert read(client, user)["phone"] == crm.get(user["crm_id"])["phone"] == "987-654-3210"
    [found] = conflicts(client)
    assert (found["field"], found["last_told"], found["local"], found["crm"], found["resolution"]) == (
        "phone",
        ANN["phone"],
        "222-222-2222",
        "987-654-3210",
        "crm",
    )


class TestLocalWins:
    @pytest.fixture
    def settings(self):
        return {"CONFLICT_POLICY": "crm_wins,users.phone:local_wins"}

    def test_our_value_is_pushed_and_theirs_is_kept_in_the_conflict(self, client, crm, user):
        crm.edit(user["crm_id"], phone="987-654-3210", name="Ann There")
        patch(client, user, phone="222-222-2222", name="Ann Here")

        assert crm.get(user["crm_id"])["phone"] == "222-222-2222"
        assert read(client, user)["name"] == "Ann There"
        assert {one["field"]: one["crm"] for one in conflicts(client)} == {"phone": "987-654-3210", "name": "Ann There"}


class TestManual:
    @pytest.fixture
    def settings(self):
        return {"CONFLICT_POLICY": "manual"}

    def test_both_values_stay_until_a_person_decides_and_other_fields_go_on(self, client, crm, user):
        crm.edit(user["crm_id"], phone="987-654-3210")
        answer = patch(client, user, phone="222-222-2222", name="Ann Here")

        assert (answer.json["sync_status"], answer.json["phone"]) == ("conflict", "222-222-2222")
        assert (crm.get(user["crm_id"])["phone"], crm.get(user["crm_id"])["name"]) == ("987-654-3210", "Ann Here")


# ── a CRM with a mind of its own ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("policy", ["crm_wins", "local_wins"])
@pytest.mark.parametrize(
    ("mode", "more"), [("normalise", {}), ("truncate_fields", {"length": 4}), ("ignore_field", {"field": "phone"})]
)
def test_another_form_of_what_was_sent_settles_after_one_push(client, crm, worker, mode, more, policy, engine):
    object.__setattr__(engine.policies, "default", policy)
    crm.fault(mode, **more)
    user = client.post("/users", json={**ANN, "name": " Ann Example ", "email": "ANN@example.com"}).json
    worker.drain()
    worker.pull()
    worker.drain()

    assert user["sync_status"] == "synced" or mode == "truncate_fields"
    assert len(crm.calls("POST")) == 1
    assert len(crm.calls("PATCH")) == 0


def test_the_record_keeps_moving_there_and_the_push_gives_up_politely(client, crm, user, clock, worker):
    def move(request):
        if request.method == "PATCH":
            clock.pass_(seconds=1)
            crm.edit(user["crm_id"], name=f"Ann {clock.passed}")

    crm.line.before = move
    answer = patch(client, user, phone="222-222-2222")

    assert answer.json["sync_status"] == "pending"
    assert len(crm.calls("PATCH")) == 3
    crm.line.before = lambda _request: None
    worker.drain()
    assert crm.get(user["crm_id"])["phone"] == "222-222-2222"


def test_our_own_push_coming_back_makes_no_call(client, crm, user, webhook, worker):
    patch(client, user, phone="222-222-2222")
    before = len(crm.calls())

    answer = webhook(user["crm_id"], {"phone": "222-222-2222"}, version=2)
    worker.push()

    assert answer.json["outcome"] == "unchanged"
    assert len(crm.calls()) == before


def test_a_run_over_http_moves_both_ways(client, crm, user):
    crm.edit(user["crm_id"], phone="987-654-3210")
    patch_later(client, user, name="Ann Here")

    run = client.post("/sync", json={}).json

    assert (run["status"], run["pulled"], run["pushed"], run["synced"]) == ("succeeded", 1, 1, 1)
    assert client.get(f"/sync/runs/{run['id']}").json == run


def test_a_run_with_the_crm_down_is_failed_and_says_why(client, crm, user):
    crm.fault("status", status=500, count=None)

    run = client.post("/sync", json={"direction": "pull"}).json

    assert (run["status"], bool(run["error"])) == ("failed", True)


def test_a_proxy_that_has_no_such_page_deletes_nothing(client, crm, user):
    crm.fault("status", status=404, body="<html>no such page</html>", count=None)

    answer = patch(client, user, phone="222-222-2222")

    assert (answer.status_code, answer.json["sync_status"]) == (200, "failed")
    crm.heal()
    assert client.post(f"/users/{user['id']}/sync").json["sync_status"] == "synced"
    assert crm.get(user["crm_id"])["phone"] == "222-222-2222"
