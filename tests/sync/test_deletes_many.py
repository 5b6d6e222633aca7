"""A pull that would delete more than ten records, or a tenth of them, leaves it to a person."""

import pytest

from app.sync import deletions, feed
from app.sync.runs import resume_dead
from tests.support.crowd import crowd, without_feed
from tests.support.decisions import OPEN, THERE, assert_in_step, live_here, merge, only
from tests.support.users import conflicts, patch_later, read


def delete(crm, crm_ids):
    for crm_id in crm_ids:
        crm.delete(crm_id)


@pytest.mark.parametrize(
    ("linked", "most"), [(0, 10), (20, 10), (100, 10), (110, 11), (119, 11), (290, 29), (9_000, 900)]
)
def test_ten_records_or_a_tenth_may_go_without_a_person(linked, most):
    assert deletions.allowed(linked) == most


@pytest.mark.parametrize("page", [1000, 3])
def test_as_many_as_are_allowed_go_through(crm, worker, engine, monkeypatch, page):
    monkeypatch.setattr(feed, "PAGE", page)
    users = crowd(engine, crm, 20)
    delete(crm, list(users.values())[:10])

    run = worker.pull()

    assert (run["status"], run["deleted"], len(live_here(engine))) == ("succeeded", 10, 10)
    assert_in_step(engine, crm)


@pytest.mark.parametrize("page", [1000, 3])
def test_one_more_waits_for_a_person_and_everything_else_comes_in(client, crm, worker, engine, monkeypatch, page):
    monkeypatch.setattr(feed, "PAGE", page)
    users = crowd(engine, crm, 20)
    crm_ids = list(users.values())
    delete(crm, crm_ids[:11])
    crm.edit(crm_ids[15], phone=THERE)
    crm.create(name="New", email="new@example.com")

    run = worker.pull()

    assert (run["status"], run["deleted"], run["updated"], run["created"]) == ("needs_approval", 0, 1, 1)
    assert "11 of 21 users" in run["error"]
    assert len(live_here(engine)) == 21
    assert {(one["kind"], one["run_id"]) for one in conflicts(client, OPEN)} == {("deleted", run["id"])}
    assert {one["crm_id"] for one in conflicts(client, OPEN)} == set(crm_ids[:11])
    waiting = client.get(f"/users/{next(iter(users))}").json
    assert (waiting["sync_status"], waiting["crm_id"]) == ("conflict", crm_ids[0])


def test_a_tenth_of_many_goes_through_and_more_do_not(crm, worker, engine):
    crm_ids = list(crowd(engine, crm, 120).values())
    delete(crm, crm_ids[:12])
    assert worker.pull()["status"] == "succeeded"
    delete(crm, crm_ids[12:24])

    run = worker.pull()

    assert (run["status"], len(live_here(engine))) == ("needs_approval", 108)


@pytest.mark.parametrize("page", [1000, 4])
def test_a_second_pull_changes_nothing_and_asks_nobody_anew(client, crm, worker, engine, monkeypatch, page):
    monkeypatch.setattr(feed, "PAGE", page)
    users = crowd(engine, crm, 20)
    delete(crm, list(users.values())[:12])
    worker.pull()
    before = conflicts(client)

    for _ in range(2):
        run = worker.pull()
        assert (run["status"], run["deleted"], run["conflicts"]) == ("succeeded", 0, 0)
    assert conflicts(client) == before
    assert len(live_here(engine)) == 20


def test_those_that_wait_do_not_count_against_the_next_ones(crm, worker, engine):
    crm_ids = list(crowd(engine, crm, 40).values())
    delete(crm, crm_ids[:12])
    worker.pull()
    delete(crm, crm_ids[12:15])

    run = worker.pull()

    assert (run["status"], run["deleted"], len(live_here(engine))) == ("succeeded", 3, 37)


@pytest.mark.parametrize("gone", [10, 11])
def test_a_crm_without_a_feed_is_guarded_too(client, crm, worker, engine, monkeypatch, gone):
    without_feed(engine, monkeypatch)
    object.__setattr__(engine, "batch_size", 7)
    crm_ids = list(crowd(engine, crm, 20).values())
    delete(crm, crm_ids[:gone])
    crm.edit(crm_ids[15], phone=THERE)

    run = worker.pull()

    assert (run["status"], run["updated"]) == ("succeeded" if gone == 10 else "needs_approval", 1)
    assert len(live_here(engine)) == (10 if gone == 10 else 20)
    again = worker.pull()
    assert (again["status"], again["deleted"], again["conflicts"]) == ("succeeded", 0, 0)


def test_a_crm_that_has_lost_everything_deletes_nothing(crm, worker, engine, monkeypatch):
    without_feed(engine, monkeypatch)
    crowd(engine, crm, 30)
    crm.fault("status", status=404, body={"error": "not_found"}, count=None, path="/crm/users/*", method="GET")

    assert (worker.pull()["status"], len(live_here(engine))) == ("needs_approval", 30)


def test_a_pull_that_fails_half_way_deletes_nothing(crm, worker, engine, monkeypatch):
    monkeypatch.setattr(feed, "PAGE", 4)
    crm_ids = list(crowd(engine, crm, 10).values())
    worker.pull()
    delete(crm, crm_ids[:6])
    crm.fault("status", status=500, after=1, count=3, method="GET")
    assert (worker.pull()["status"], len(live_here(engine))) == ("failed", 10)
    crm.heal()

    assert (worker.pull()["status"], len(live_here(engine))) == ("succeeded", 4)
    assert_in_step(engine, crm)


def test_a_run_that_is_cut_off_while_it_asks_asks_for_the_rest_too(client, crm, worker, engine, clock, monkeypatch):
    monkeypatch.setattr(deletions, "AT_ONCE", 5)
    crm_ids = list(crowd(engine, crm, 20).values())
    delete(crm, crm_ids[:12])
    settle, times = deletions._settle, iter([1])

    def cut(*args, **more):
        settle(*args, **more)
        if next(times, 0):
            raise KeyboardInterrupt

    monkeypatch.setattr(deletions, "_settle", cut)
    with pytest.raises(KeyboardInterrupt):
        worker.pull()
    clock.pass_(minutes=5)
    assert resume_dead(engine) == 1

    run = client.get("/sync/runs").json["data"][0]
    assert (run["status"], "12 of 20" in run["error"]) == ("needs_approval", True)
    assert (len(live_here(engine)), len(conflicts(client, OPEN))) == (20, 12)


def test_what_a_failed_pull_brought_counts_with_what_the_next_one_brings(crm, worker, engine, monkeypatch):
    monkeypatch.setattr(feed, "PAGE", 4)
    crm_ids = list(crowd(engine, crm, 20).values())
    worker.pull()
    delete(crm, crm_ids[:11])
    crm.fault("status", status=500, after=1, count=3, method="GET")
    worker.pull()
    crm.heal()

    run = worker.pull()
    assert (run["status"], "11 of 20" in run["error"], len(live_here(engine))) == ("needs_approval", True, 20)


def test_a_webhook_deletes_what_a_failed_pull_has_held_back(client, crm, worker, webhook, engine, monkeypatch):
    monkeypatch.setattr(feed, "PAGE", 4)
    crm_ids = list(crowd(engine, crm, 10).values())
    worker.pull()
    delete(crm, crm_ids[:6])
    crm.fault("status", status=500, after=1, count=3, method="GET")
    worker.pull()
    crm.heal()
    webhook(crm_ids[0], event="deleted", version=2)
    assert len(live_here(engine)) == 9

    run = worker.pull()
    assert (run["status"], run["deleted"], len(live_here(engine))) == ("succeeded", 5, 4)


def test_merged_records_are_not_counted_as_deleted(crm, worker, engine):
    crm_ids = list(crowd(engine, crm, 12).values())
    winners = [crm.create(name=f"Winner {n}", email=f"winner{n}@example.com")["crm_id"] for n in range(12)]
    for winner, loser in zip(winners, crm_ids, strict=True):
        merge(crm, winner, loser)

    run = worker.pull()
    worker.drain()

    assert (run["status"], run["deleted"]) == ("succeeded", 0)
    assert {one.crm_id for one in live_here(engine).values()} == set(winners)
    assert_in_step(engine, crm)


def test_a_record_deleted_here_already_is_not_counted(client, crm, worker, engine):
    users = crowd(engine, crm, 20)
    for identity in list(users)[:5]:
        client.delete(f"/users/{identity}", headers={"Prefer": "respond-async"})
    delete(crm, list(users.values())[:15])

    run = worker.pull()

    assert (run["status"], len(live_here(engine))) == ("succeeded", 5)
    assert_in_step(engine, crm)


def test_deletions_by_webhook_are_not_held_back(crm, worker, webhook, engine):
    crm_ids = list(crowd(engine, crm, 12).values())
    delete(crm, crm_ids)
    for crm_id in crm_ids:
        webhook(crm_id, event="deleted", version=2)

    assert live_here(engine) == {}


def test_an_edit_that_the_crm_never_heard_waits_with_its_record(client, crm, worker, engine):
    users = crowd(engine, crm, 12)
    first = {"id": next(iter(users))}
    patch_later(client, first, phone=THERE)
    delete(crm, users.values())
    worker.pull()
    worker.drain()

    assert (read(client, first)["phone"], read(client, first)["sync_status"]) == (THERE, "conflict")
    assert only([one for one in conflicts(client, OPEN) if one["record_id"] == first["id"]])["kind"] == "deleted"
    assert crm.all() == []
