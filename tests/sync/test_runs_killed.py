"""A run that is killed half-way: what it did stays, and somebody goes on with it from there."""

import pytest

from app.core.db import transact
from app.services import runs
from app.store import runs as stored_runs
from app.sync.part import ALIVE_FOR
from app.sync.worker import Worker
from tests.support.decisions import assert_in_step
from tests.support.runs import Killed, cut_off, do, kill_at, new_there, new_users, wake_up
from tests.support.settings import ANN


@pytest.fixture(autouse=True)
def small_pages(monkeypatch):
    monkeypatch.setattr("app.sync.feed.PAGE", 10)


def killed_pull(crm, engine, monkeypatch):
    """Kill a pull of 50 records at its third page; return the run as it lies about."""
    new_there(crm, 50)
    kill_at(crm, 3)
    with cut_off(monkeypatch):
        do(engine, "pull")
    return only_run(engine)


def stored_cursor():
    return transact(lambda tx: stored_runs.cursor(tx, "users"))


def only_run(engine):
    [found], _ = runs.listing(engine, 10, 0)
    return found


def cursors(crm):
    return [call.path_url for call in crm.calls("GET")]


def test_a_killed_pull_goes_on_from_its_last_page(app, crm, engine, clock, monkeypatch):
    lying = killed_pull(crm, engine, monkeypatch)
    assert (lying["status"], lying["created"], lying["seen"]) == ("running", 20, 20)
    asked = cursors(crm)

    wake_up(app, engine, clock)

    run = runs.get(engine, lying["id"])
    assert (run["status"], run["resumed"], run["created"], run["seen"]) == ("succeeded", 1, 50, 50)
    again = cursors(crm)[len(asked) :]
    assert again[0] == asked[-1], "it begins with the page that it was killed at"
    assert not set(again) & set(asked[:-1])


def test_a_pull_that_is_killed_at_its_end_reads_the_last_page_again(app, crm, engine, clock, monkeypatch):
    """A CRM that lists a change late puts it there."""
    new_there(crm, 25)

    def killed(_part):
        raise Killed

    with cut_off(monkeypatch), monkeypatch.context() as patched:
        patched.setattr("app.sync.deletions.decide", killed)
        do(engine, "pull")
    asked = cursors(crm)

    wake_up(app, engine, clock)

    assert cursors(crm)[len(asked) :] == asked[-1:]
    assert only_run(engine)["status"] == "succeeded"


def test_a_run_whose_process_may_be_alive_is_left_alone(app, crm, engine, clock, monkeypatch):
    lying = killed_pull(crm, engine, monkeypatch)
    clock.pass_(seconds=60)
    Worker(app, engine).pull_step()

    assert runs.get(engine, lying["id"])["status"] == "running"


def test_a_run_by_hand_goes_on_with_the_dead_one_first(crm, engine, clock, monkeypatch):
    lying = killed_pull(crm, engine, monkeypatch)
    clock.pass_(minutes=3)

    run = do(engine, "pull")

    dead = runs.get(engine, lying["id"])
    assert (dead["status"], dead["resumed"], dead["created"]) == ("succeeded", 1, 50)
    assert (run["status"], run["created"]) == ("succeeded", 0)


def test_two_workers_go_on_with_a_run_once(app, crm, engine, clock, monkeypatch):
    lying = killed_pull(crm, engine, monkeypatch)
    first, second = Worker(app, engine), Worker(app, engine)
    clock.pass_(minutes=3)
    crm.line.before = lambda _request: second.pull_step()
    first.pull_step()

    run = runs.get(engine, lying["id"])
    assert (run["status"], run["resumed"], run["created"]) == ("succeeded", 1, 50)


def test_a_dead_run_waits_while_another_is_at_work(app, crm, engine, clock, monkeypatch):
    lying = killed_pull(crm, engine, monkeypatch)
    clock.pass_(minutes=3)
    until = clock.now() + ALIVE_FOR
    transact(lambda tx: stored_runs.take_lease(tx, "run:users", "somebody", clock.now(), until))
    Worker(app, engine).pull_step()

    assert runs.get(engine, lying["id"])["status"] == "running"
    transact(lambda tx: stored_runs.release_lease(tx, "run:users", "somebody"))
    Worker(app, engine).pull_step()
    assert runs.get(engine, lying["id"])["status"] == "succeeded"


def test_a_killed_push_goes_on_and_nothing_is_created_twice(app, client, crm, engine, clock, monkeypatch):
    new_users(client, 30)
    kill_at(crm, 2, method="POST", path="/crm/users/batch", after=True)
    with cut_off(monkeypatch):
        do(engine, "push", batch_size=10)
    lying = only_run(engine)
    assert (lying["status"], len(crm.all())) == ("running", 20)

    wake_up(app, engine, clock)

    run = runs.get(engine, lying["id"])
    assert (run["status"], run["resumed"], run["failed"], run["pushed"]) == ("succeeded", 1, 0, 30)
    assert len(crm.all()) == 30
    assert_in_step(engine, crm)


def test_a_push_that_was_killed_before_the_crm_heard_of_it_arrives(app, client, crm, engine, clock, monkeypatch):
    new_users(client, 1)
    kill_at(crm, 1, method="POST")
    with cut_off(monkeypatch):
        do(engine, "push")
    wake_up(app, engine, clock)

    [run] = [one for one in runs.listing(engine, 10, 0)[0] if one["direction"] == "push"]
    assert (run["status"], run["pushed"]) == ("succeeded", 1)
    assert_in_step(engine, crm)


def test_a_run_that_is_killed_every_time_is_given_up(app, crm, engine, clock, monkeypatch):
    lying = killed_pull(crm, engine, monkeypatch)
    for _ in range(3):
        kill_at(crm, 1)
        with cut_off(monkeypatch):
            wake_up(app, engine, clock)
    wake_up(app, engine, clock)

    run = runs.get(engine, lying["id"])
    assert (run["status"], run["resumed"], run["created"]) == ("failed", 4, 20)
    assert "again and again" in run["error"]
    assert runs.listing(engine, 1, 0)[0][0]["created"] == 30, "the schedule goes on"


def test_a_part_that_was_left_to_a_person_before_the_kill_is_still_so(crm, engine, clock, monkeypatch):
    lying = killed_pull(crm, engine, monkeypatch)
    asks = "50 of 50 users would be deleted"
    transact(lambda tx: stored_runs.finish_part(tx, lying["id"], "users", "needs_approval", asks, clock.now()))
    clock.pass_(minutes=3)
    do(engine, "push")

    run = runs.get(engine, lying["id"])
    assert (run["status"], run["error"]) == ("needs_approval", asks)


def test_a_dead_run_is_left_alone_while_the_circuit_is_open(app, client, crm, engine, clock, monkeypatch):
    lying = killed_pull(crm, engine, monkeypatch)
    crm.fault("status", status=500, count=None)
    clock.pass_(minutes=3)
    for _ in range(4):
        client.post("/users", json=ANN | {"email": f"ann{clock.passed}@example.com"})
    assert engine.crm.breaker.state == "open"
    Worker(app, engine).pull_step()

    assert runs.get(engine, lying["id"])["status"] == "running"


def test_a_page_that_fails_leaves_what_came_before_and_the_next_run_begins_there(crm, engine, clock):
    new_there(crm, 30)
    crm.fault("status", status=500, after=1, count=3, method="GET")

    run = do(engine, "pull")

    assert (run["status"], run["created"], run["seen"]) == ("failed", 10, 10)
    assert stored_cursor()[1] is None, "a pull that failed half-way is no pull"
    failed_at = cursors(crm)[-1]
    crm.heal()
    clock.pass_(seconds=30)
    before = len(cursors(crm))

    assert (do(engine, "pull")["created"], cursors(crm)[before]) == (20, failed_at)
    assert stored_cursor()[1] is not None
