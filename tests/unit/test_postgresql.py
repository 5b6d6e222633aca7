"""Connections to PostgreSQL: the living are used without a question, the dead are noticed."""

import pytest
from sqlalchemy import create_engine, text

from app.core import postgresql
from app.core.db import db, reading, transact

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
PID = text("SELECT pg_backend_pid()")


@pytest.fixture
def pinged(app, monkeypatch):
    """Count how often a connection is asked whether it lives."""
    found, ping = [], db.engine.dialect.do_ping
    monkeypatch.setattr(db.engine.dialect, "do_ping", lambda connection: found.append(1) or ping(connection))
    return found


def backend():
    with reading() as connection:
        return connection.execute(PID).scalar_one()


def end(database_url, pid):
    engine = create_engine(database_url)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    engine.dispose()


def test_one_that_was_just_used_is_not_asked(pinged):
    assert backend() == backend()
    assert not pinged


def test_one_that_rested_is_asked(pinged, monkeypatch):
    first = backend()
    monkeypatch.setattr(postgresql, "RECENT", 0.0)

    assert backend() == first
    assert len(pinged) == 1


def test_one_that_the_server_has_just_ended_is_not_used(pinged, database_url):
    first = backend()
    end(database_url, first)

    assert transact(lambda tx: tx.execute(PID).scalar_one()) != first
    assert len(pinged) == 1


def test_all_that_the_server_has_ended_are_replaced(pinged, database_url):
    with reading() as one, reading() as two:
        pids = {each.execute(PID).scalar_one() for each in (one, two)}
    for pid in pids:
        end(database_url, pid)

    with reading() as one, reading() as two:
        assert not pids & {each.execute(PID).scalar_one() for each in (one, two)}


def test_what_only_reads_opens_no_transaction_and_what_writes_does(app):
    with reading() as connection:
        began = [connection.execute(text("SELECT now()")).scalar_one() for _ in range(2)]
    assert began[0] != began[1]

    began = transact(lambda tx: [tx.execute(text("SELECT now()")).scalar_one() for _ in range(2)])
    assert began[0] == began[1]
