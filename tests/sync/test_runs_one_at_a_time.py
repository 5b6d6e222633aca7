"""One run at a time for a resource: a lease says whose turn it is, and runs out with whoever held it."""

from datetime import timedelta

from app.core.db import transact
from app.services import runs as runs_service
from app.store import runs
from app.sync.part import ALIVE_FOR
from app.sync.worker import Worker
from tests.support.runs import do, new_there

LEASE = "run:users"


def hold(clock, until=ALIVE_FOR):
    transact(lambda tx: runs.take_lease(tx, LEASE, "somebody", clock.now(), clock.now() + until))


def let_go():
    transact(lambda tx: runs.release_lease(tx, LEASE, "somebody"))


def test_a_second_run_waits_and_then_goes_on(crm, engine, clock):
    new_there(crm, 3)
    hold(clock)
    slept = clock.sleep

    def sleep(seconds):
        slept(seconds)
        if clock.passed > 5:
            let_go()

    object.__setattr__(engine.world, "sleep", sleep)
    run = do(engine, "pull")

    assert (run["status"], run["created"]) == ("succeeded", 3)
    assert 5 <= clock.passed < 10


def test_a_second_run_that_waited_long_enough_says_that_another_is_at_work(crm, engine, clock):
    new_there(crm, 3)
    hold(clock)
    run = do(engine, "pull")

    assert (run["status"], run["errors"], run["created"]) == ("failed", {"busy": 1}, 0)
    assert run["error"] == "users: another run is at work"
    assert crm.calls("GET") == []


def test_the_lease_of_a_dead_run_runs_out(crm, engine, clock):
    hold(clock)
    clock.pass_(seconds=ALIVE_FOR.total_seconds() + 1)

    assert do(engine, "pull")["status"] == "succeeded"


def test_a_run_gives_its_lease_back_also_when_it_fails(crm, engine, clock):
    crm.fault("status", status=500, count=None)
    assert do(engine, "pull")["status"] == "failed"
    crm.heal()
    clock.pass_(seconds=20)
    before = clock.passed

    assert do(engine, "pull")["status"] == "succeeded"
    assert clock.passed - before < 1


def test_a_run_that_is_at_work_keeps_its_lease_however_long_it_takes(crm, engine, clock, monkeypatch):
    monkeypatch.setattr("app.sync.feed.PAGE", 10)
    new_there(crm, 100)
    do(engine, "pull")
    transact(lambda tx: runs.save_cursor(tx, "users", None))
    seen = []

    def slowly(_request):
        clock.pass_(minutes=1)
        seen.append(transact(lambda tx: runs.is_leased(tx, LEASE, clock.now())))

    crm.line.before = slowly
    run = do(engine, "pull")

    assert (run["status"], run["resumed"], len(seen)) == ("succeeded", 0, 10)
    assert all(seen)
    assert run["seen"] == 100


def test_a_worker_leaves_a_live_run_alone(app, crm, engine, clock, monkeypatch):
    monkeypatch.setattr("app.sync.feed.PAGE", 10)
    new_there(crm, 30)
    other = Worker(app, engine)

    def look(request):
        if request.method == "GET":
            clock.pass_(minutes=1)
            other.pull_step()

    crm.line.before = look
    run = do(engine, "pull")

    assert (run["status"], run["resumed"], run["created"]) == ("succeeded", 0, 30)
    assert runs_service.listing(engine, 10, 0)[1] == 1, "the schedule waits while somebody pulls"


def test_a_lease_from_before_the_clock_was_set_back_does_not_stop_the_schedule(app, crm, engine, clock):
    new_there(crm, 3)
    hold(clock, timedelta(days=1))
    Worker(app, engine).pull_step()

    assert [one["created"] for one in runs_service.listing(engine, 10, 0)[0]] == [3]
