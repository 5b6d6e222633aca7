"""A paused schedule stays paused, over restarts too; what people ask for by hand is done all the same."""

from app import create_app
from app.core.db import db
from app.http.wiring import ENGINE
from app.services import runs
from app.sync.worker import Worker
from tests.support.runs import cut_off, do, kill_at, new_there
from tests.support.settings import CRM_URL, SETTINGS, USERS


def test_a_paused_schedule_pulls_nothing_until_it_is_resumed(app, crm, engine, clock):
    new_there(crm, 3)
    said = runs.pause(engine, "somebody")
    assert (said["paused"], said["by"], bool(said["since"])) == (True, "somebody", True)
    work = Worker(app, engine)
    for _ in range(5):
        work.pull_step()
        clock.pass_(hours=1)
    assert (runs.listing(engine, 10, 0), crm.calls()) == (([], 0), [])

    assert runs.resume("somebody") == {"paused": False, "since": None, "by": None}
    work.pull_step()
    assert runs.listing(engine, 10, 0)[0][0]["created"] == 3


def test_it_stays_paused_over_a_restart(app, crm, engine, world, database_url, clock):
    new_there(crm, 3)
    runs.pause(engine, "somebody")
    restarted = create_app(SETTINGS | {"SQLALCHEMY_DATABASE_URI": database_url}, world=world, registry=USERS)
    anew = restarted.extensions[ENGINE]
    anew.crm.session.mount(CRM_URL, crm.line)
    with restarted.app_context():
        Worker(restarted, anew).pull_step()
        assert (runs.schedule()["paused"], crm.calls()) == (True, [])
        runs.resume("somebody")
        Worker(restarted, anew).pull_step()
        assert runs.listing(anew, 1, 0)[0][0]["created"] == 3
        db.engine.dispose()


def test_a_run_by_hand_works_while_the_schedule_is_paused(crm, engine):
    new_there(crm, 3)
    runs.pause(engine, "somebody")

    assert do(engine, "pull")["created"] == 3
    assert runs.schedule()["paused"]


def test_pausing_and_resuming_twice_is_as_good_as_once(engine, clock):
    runs.pause(engine, "one")
    runs.pause(engine, "another")
    assert runs.schedule()["by"] == "another"
    runs.resume("one")
    runs.resume("another")

    assert not runs.schedule()["paused"]


def test_a_dead_run_is_not_resumed_by_a_paused_schedule(app, crm, engine, clock, monkeypatch):
    monkeypatch.setattr("app.sync.feed.PAGE", 10)
    new_there(crm, 30)
    kill_at(crm, 2)
    with cut_off(monkeypatch):
        do(engine, "pull", by="schedule")
    runs.pause(engine, "somebody")
    clock.pass_(minutes=3)
    Worker(app, engine).pull_step()
    assert runs.listing(engine, 1, 0)[0][0]["status"] == "running"

    runs.resume("somebody")
    Worker(app, engine).pull_step()
    assert [one["status"] for one in runs.listing(engine, 5, 0)[0]] == ["succeeded"]
