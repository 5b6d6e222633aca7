"""A pulled page is one unit of work: the number of its statements does not grow with it."""

from collections import Counter
from contextlib import contextmanager

import pytest
from sqlalchemy import event, text

from app.core.db import db, transact
from app.sync import deletions
from tests.support.crowd import crowd
from tests.support.decisions import THERE, configure, merge
from tests.support.users import patch_later

FEW, MANY = 10, 200


def email(number):
    return f"user{number}@crowd.example.com"


@contextmanager
def counting():
    """Collect the statements that are sent to the database."""
    seen = []

    def note(_connection, _cursor, statement, *_):
        seen.append(" ".join(statement.split())[:100])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def created(client, crm, engine, count):
    for number in range(count):
        crm.create(name=f"User {number}", email=email(number))


def created_with_parked_news(client, crm, engine, count):
    for number in range(count):
        there = crm.create(name=f"User {number}", email=email(number))
        body = {"crm_id": there["crm_id"], "updated_fields": {"phone": THERE}, "version": 2,
                "timestamp": there["updated_at"]}  # fmt: skip
        assert client.post("/webhook", json=body).json["outcome"] == "parked"


def updated(client, crm, engine, count):
    for crm_id in crowd(engine, crm, count).values():
        crm.edit(crm_id, phone=THERE, name="There")


def moved_on(client, crm, engine, count):
    for number, crm_id in enumerate(crowd(engine, crm, count).values()):
        crm.edit(crm_id, email=email((number + 1) % count))


def in_conflict(client, crm, engine, count):
    for identity, crm_id in crowd(engine, crm, count).items():
        patch_later(client, {"id": identity}, name="Here")
        crm.edit(crm_id, name="There")


def in_conflict_by_time(client, crm, engine, count):
    configure(engine, "latest")
    in_conflict(client, crm, engine, count)


def waiting_for_a_person(client, crm, engine, count):
    configure(engine, "manual")
    in_conflict(client, crm, engine, count)


def deleted(client, crm, engine, count):
    for crm_id in crowd(engine, crm, count).values():
        crm.delete(crm_id)


def deleted_with_edits(client, crm, engine, count):
    for identity, crm_id in crowd(engine, crm, count).items():
        patch_later(client, {"id": identity}, name="Here")
        crm.delete(crm_id)


def merged(client, crm, engine, count):
    for number, crm_id in enumerate(crowd(engine, crm, count).values()):
        merge(crm, crm.create(name="Winner", email=f"winner{number}@example.com")["crm_id"], crm_id)


def claimed(client, crm, engine, count):
    crowd(engine, crm, count)
    created(client, crm, engine, count)


def unusable(client, crm, engine, count):
    for crm_id in crowd(engine, crm, count).values():
        crm.edit(crm_id, phone="12")


def forget_everything(crm):
    for one in crm.all():
        crm.delete(one["crm_id"])

    def clear(tx):
        for table in db.metadata.sorted_tables:
            if table.name not in {"cursors", "leases"}:
                tx.execute(text(f"DELETE FROM {table.name}"))

    transact(clear)


def statements_of(client, crm, worker, engine, happen, count):
    forget_everything(crm)
    worker.pull()
    happen(client, crm, engine, count)
    with counting() as seen:
        worker.pull()
    return Counter(seen)


PULLS = [
    created, created_with_parked_news, updated, moved_on, in_conflict, in_conflict_by_time, waiting_for_a_person,
    deleted, deleted_with_edits, merged, claimed, unusable,
]  # fmt: skip


@pytest.mark.parametrize("happen", PULLS)
def test_a_page_of_many_takes_as_many_statements_as_one_of_few(client, crm, worker, engine, monkeypatch, happen):
    monkeypatch.setattr(deletions, "ALWAYS", MANY)
    few, many = (statements_of(client, crm, worker, engine, happen, count) for count in (FEW, MANY))

    assert many == few


@pytest.mark.parametrize("happen", [deleted, deleted_with_edits])
def test_leaving_many_deletions_to_a_person_takes_as_many_as_leaving_few(
    client, crm, worker, engine, monkeypatch, happen
):
    monkeypatch.setattr(deletions, "allowed", lambda _linked: 0)
    monkeypatch.setattr(deletions, "ALWAYS", 0)
    few, many = (statements_of(client, crm, worker, engine, happen, count) for count in (FEW, MANY))

    assert many == few
