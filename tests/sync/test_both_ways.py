"""Records moving both ways: both sides edit at once, and what people see of it."""

import pytest

from tests.support.settings import ANN
from tests.support.users import conflicts, patch, patch_later, read

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

    assert (run["status"], run["pulled"], run["pushed"], run["synced"]) == ("succeeded", 1, 1, 2)
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
