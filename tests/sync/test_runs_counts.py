"""What a run says of itself: who asked, with which policy, and what came of it in numbers."""

import pytest

from app.services import runs
from tests.support.runs import do, new_there, new_users
from tests.support.users import conflicts, patch_later, read

NUMBERS = ("synced", "pulled", "pushed", "created", "updated", "deleted", "failed", "conflicts", "skipped", "seen")


def counts(run):
    """Return the numbers that are not 0."""
    return {name: run[name] for name in NUMBERS if run[name]}


def test_a_pull_counts_what_came_in(client, crm, engine, user):
    gone, moved = new_there(crm, 2)
    do(engine, "pull")
    new_there(crm, 3)
    crm.edit(moved["crm_id"], name="Moved")
    crm.delete(gone["crm_id"])

    run = do(engine, "pull")

    done = {"synced": 5, "pulled": 5, "created": 3, "updated": 1, "deleted": 1}
    assert counts(run) | {"seen": 0} == done | {"seen": 0}
    assert run["status"] == "succeeded"


def test_a_push_counts_what_the_crm_took(client, crm, engine, another):
    moved, gone = (client.post("/users", json=another()).json for _ in range(2))
    patch_later(client, moved, name="Moved")
    client.delete(f"/users/{gone['id']}", headers={"Prefer": "respond-async"})
    new_users(client, 3)

    run = do(engine, "push")

    assert counts(run) == {"synced": 5, "pushed": 5, "created": 3, "updated": 1, "deleted": 1}


def test_the_parts_add_up_to_the_run(client, crm, engine):
    new_there(crm, 2)
    new_users(client, 3)

    run = do(engine, "both")

    assert counts(run["parts"]["users"]) == counts(run)
    assert (run["pulled"], run["pushed"], run["synced"], run["created"]) == (2, 3, 5, 5)
    assert runs.get(engine, run["id"]) == run


def test_failures_are_counted_by_their_kind(client, crm, engine):
    new_users(client, 1)
    crm.fault("status", status=422, count=1, method="POST")
    assert (do(engine, "push")["errors"], len(crm.all())) == ({"rejected": 1}, 0)

    new_users(client, 1)
    crm.fault("status", status=503, count=None, method="POST")
    assert do(engine, "push")["errors"] == {"unavailable": 1}


def test_a_pull_that_fails_counts_the_kind_of_its_failure(crm, engine):
    crm.fault("status", status=503, count=None)

    run = do(engine, "pull")

    assert (run["status"], run["failed"], run["errors"]) == ("failed", 1, {"Unavailable": 1})
    assert run["error"].startswith("users: ")


def test_what_turns_out_to_be_known_there_is_not_counted_as_pushed(client, crm, engine, user):
    crm.edit(user["crm_id"], phone="987-654-3210")
    patch_later(client, user, phone="222-222-2222")

    run = do(engine, "push")

    assert (run["pushed"], run["conflicts"], run["failed"]) == (0, 1, 0)
    assert read(client, user)["phone"] == crm.get(user["crm_id"])["phone"] == "987-654-3210"


def test_a_question_to_the_crm_is_not_counted_as_pushed(client, crm, engine, user, worker):
    crm.fault("cut_before", count=3, method="PATCH")
    patch_later(client, user, phone="222-222-2222")
    do(engine, "push")
    patch_later(client, user, phone=user["phone"])

    run = do(engine, "push")

    assert counts(run) == {}
    assert read(client, user)["sync_status"] == "synced"


def test_a_record_that_is_refused_here_is_skipped(crm, engine, user):
    crm.create(name="Another Ann", email=user["email"])

    run = do(engine, "pull")

    assert (run["skipped"], run["conflicts"], run["created"]) == (1, 1, 0)


def test_the_policy_of_a_run_is_used_and_no_other_run_hears_of_it(client, crm, engine, user):
    crm.edit(user["crm_id"], phone="987-654-3210")
    patch_later(client, user, phone="222-222-2222")

    run = do(engine, "both", policy="local_wins")

    assert run["policy"] == "local_wins"
    assert crm.get(user["crm_id"])["phone"] == read(client, user)["phone"] == "222-222-2222"
    assert [one["policy"] for one in conflicts(client)] == ["local_wins"]
    assert do(engine, "pull")["policy"] == "crm_wins"


def test_a_policy_for_one_field_holds_for_that_field_only(client, crm, engine, user):
    crm.edit(user["crm_id"], phone="987-654-3210", name="Ann There")
    patch_later(client, user, phone="222-222-2222", name="Ann Here")

    do(engine, "both", policy="crm_wins,users.phone:local_wins")

    here = read(client, user)
    assert (here["phone"], here["name"]) == ("222-222-2222", "Ann There")


@pytest.mark.parametrize(("size", "calls"), [(2, 3), (100, 1)])
def test_the_batch_size_of_a_run_is_used(client, crm, engine, size, calls):
    new_users(client, 6)

    run = do(engine, "push", batch_size=size)

    assert (run["batch_size"], len(crm.calls("POST", "/crm/users/batch"))) == (size, calls)
    assert len(crm.all()) == 6


def test_a_run_says_who_asked_and_how_fast_it_was(client, crm, engine, clock):
    new_users(client, 2)
    crm.line.before = lambda _request: clock.pass_(seconds=6)

    run = do(engine, "push", by="somebody")

    assert (run["asked_by"], run["direction"], run["resources"]) == ("somebody", "push", ["users"])
    assert 6 <= run["seconds"] < 30
    assert run["records_a_minute"] == pytest.approx(2 / run["seconds"] * 60, abs=0.1)


def test_whoever_watches_is_told_after_each_page(crm, engine, monkeypatch):
    monkeypatch.setattr("app.sync.feed.PAGE", 10)
    new_there(crm, 25)
    seen = []

    runs.run(engine, runs.Asked("pull", ("users",), "test"), lambda part: seen.append(part.counts.seen))

    assert seen[:3] == [10, 20, 25]


def test_runs_are_listed_the_newest_first(crm, engine, clock):
    made = []
    for _ in range(3):
        made.append(do(engine, "pull")["id"])
        clock.pass_(seconds=1)

    found, total = runs.listing(engine, 2, 0)

    assert ([one["id"] for one in found], total) == (made[:0:-1], 3)
