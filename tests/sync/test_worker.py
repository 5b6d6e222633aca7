"""The worker's steps and its loop."""

import socket
import threading
from datetime import timedelta

from aiosmtpd.controller import Controller
from flask import current_app

from app.core.db import reading, transact
from app.services import notifications
from app.services.notifications import MailSettings
from app.services.runs import listing
from app.store import outbox, runs
from app.sync import task
from app.sync.part import ALIVE_FOR
from app.sync.worker import Worker


def test_a_pull_is_due_at_the_start_and_then_every_interval(app, engine, clock, crm):
    work = Worker(app, engine)
    work.pull_step()
    work.pull_step()
    assert len(listing(engine, 10, 0)[0]) == 1

    clock.pass_(minutes=16)
    work.pull_step()
    assert len(listing(engine, 10, 0)[0]) == 2


def test_a_clock_that_was_set_back_does_not_stop_the_pulls(app, engine, clock, crm):
    work = Worker(app, engine)
    work.pull_step()
    clock.pass_(days=-1)
    work.pull_step()

    assert len(listing(engine, 10, 0)[0]) == 2


def test_what_waits_is_tried_at_once_when_the_clock_was_set_back(app, client, engine, worker, clock, crm, another):
    crm.fault("status", status=500, count=None)
    for _ in range(3):
        client.post("/users", json=another())
    work = Worker(app, engine)
    work.clock_step()
    crm.heal()
    clock.start -= timedelta(hours=1)
    assert task.due(engine, 100) == []

    work.clock_step()

    assert len(task.due(engine, 100)) == 3


def test_a_tenth_of_what_is_claimed_is_the_newest(client, clock, another):
    ids = []
    for _ in range(30):
        clock.pass_(seconds=1)
        ids.append(client.post("/users", json=another(), headers={"Prefer": "respond-async"}).json["id"])

    with reading() as connection:
        some = outbox.claimable(connection, clock.now(), 20)
        everything = outbox.claimable(connection, clock.now(), 100)

    assert {identity for _, identity in some} == {*ids[:18], *ids[-2:]}
    assert [identity for _, identity in everything] == ids


def test_a_pull_that_fails_is_not_repeated_at_once(app, engine, clock, crm):
    crm.fault("status", status=500, count=None)
    work = Worker(app, engine)
    for _ in range(10):
        work.pull_step()

    assert len(listing(engine, 10, 0)[0]) == 1


def test_two_runs_do_not_work_on_one_resource_at_once(engine, worker, clock, crm):
    transact(lambda tx: runs.take_lease(tx, "run:users", "somebody", clock.now(), clock.now() + ALIVE_FOR))

    run = worker.pull()

    assert (run["status"], run["errors"]) == ("failed", {"busy": 1})


def test_when_the_crm_is_back_what_waited_is_due_at_once(app, client, engine, clock, crm, another):
    crm.fault("status", status=500, count=None)
    users = [client.post("/users", json=another()).json for _ in range(4)]
    assert engine.crm.breaker.state == "open"
    crm.heal()
    clock.pass_(seconds=16)
    work = Worker(app, engine)

    work.probe_step()
    while work.push_step():
        pass

    assert {client.get(f"/users/{user['id']}").json["sync_status"] for user in users} == {"synced"}
    assert len(crm.all()) == 4


def test_an_open_circuit_is_not_asked(app, client, engine, crm, another):
    crm.fault("status", status=500, count=None)
    for _ in range(4):
        client.post("/users", json=another())
    before = len(crm.calls())
    work = Worker(app, engine)

    assert work.push_step() is False
    assert len(crm.calls()) == before


def test_a_bug_in_one_step_does_not_stop_the_others(app, engine, monkeypatch, caplog):
    failed, seen = threading.Event(), threading.Event()

    def fail(_self):
        failed.set()
        raise ZeroDivisionError

    monkeypatch.setattr(Worker, "tidy_step", fail)
    monkeypatch.setattr(Worker, "parked_step", lambda _self: seen.set())
    work = Worker(app, engine)
    thread = threading.Thread(target=work.run)
    thread.start()
    assert failed.wait(10)
    seen.clear()
    assert seen.wait(10)
    work.stop()
    thread.join(10)

    assert not thread.is_alive()
    assert "worker_step_failed" in caplog.text


def test_the_worker_forgets_old_deliveries(app, engine, clock, user, webhook):
    webhook(user["crm_id"], {"phone": "987-654-3210"})
    clock.pass_(days=9)
    Worker(app, engine).tidy_step()

    with reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM inbox").scalar_one() == 0


def test_one_mail_is_sent_when_all_retries_are_spent():
    mails = []

    class Inbox:
        async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
            mails.append(envelope)
            return "250 OK"

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(Inbox(), hostname="127.0.0.1", port=port)
    server.start()
    try:
        settings = MailSettings(host="127.0.0.1", port=port, sender="sync@example.com", to="ops@example.com")
        notifications.tell_spent(settings, "users", "some-id", "The CRM answered 500.")
    finally:
        server.stop()

    [mail] = mails
    assert mail.rcpt_tos == ["ops@example.com"]
    assert b"users/some-id" in mail.content


def test_mail_that_cannot_be_sent_is_a_log_line(caplog, app):
    settings = MailSettings(host="127.0.0.1", port=1, to="ops@example.com")
    notifications.tell_spent(settings, "users", "some-id", "why")

    assert "mail_not_sent" in caplog.text
    assert current_app
