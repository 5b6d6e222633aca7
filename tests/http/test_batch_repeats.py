"""The same batch again, batches at once, and what a batch costs the database."""

from contextlib import contextmanager

import pytest
from sqlalchemy import event

from app.core.db import db
from tests.support.at_once import at_once

KEY = {"Idempotency-Key": "k1"}


def _post(client, items, headers=KEY, **more):
    return client.post("/users/batch", json={"items": items, **more}, headers=headers)


def _total(client):
    return client.get("/users").json["pagination"]["total"]


@contextmanager
def _statements():
    seen = []

    def note(_connection, _cursor, statement, *_more):
        seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    yield seen
    event.remove(db.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("atomic", [False, True])
def test_the_same_key_gets_the_same_answer_and_stores_nothing_more(client, worker, another, atomic):
    items = [another(), another()]
    first = _post(client, items, atomic=atomic)
    worker.push()

    again = _post(client, items, atomic=atomic)

    assert (again.status_code, again.json) == (200, first.json)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert _total(client) == 2


def test_a_batch_in_which_some_were_refused_is_repeated_as_it_was(client, another):
    items = [another(), {}, another()]
    first = _post(client, items)

    assert _post(client, items).json == first.json
    assert first.json["failed"] == 1


def test_a_batch_in_which_nothing_was_stored_is_repeated_as_it_was(client, user, another):
    items = [another(email=user["email"])]
    first = _post(client, items)
    client.delete(f"/users/{user['id']}")

    assert _post(client, items).json == first.json
    assert first.json["created"] == 0


def test_all_or_nothing_that_was_nothing_may_be_tried_again(client, user, another):
    items = [another(email=user["email"])]
    assert _post(client, items, atomic=True).status_code == 409
    client.delete(f"/users/{user['id']}")

    assert _post(client, items, atomic=True).json["created"] == 1


def test_a_key_stands_for_one_batch_only(client, another):
    item = another()
    _post(client, [item])

    for items, more in (([another()], {}), ([item], {"atomic": True}), ([item, item], {})):
        answer = _post(client, items, **more)
        assert (answer.status_code, answer.json["code"]) == (422, "idempotency_key_reused")
    assert _total(client) == 1


def test_a_key_of_a_batch_is_no_key_of_a_user_nor_the_other_way_round(client, another):
    _post(client, [another()])
    assert client.post("/users", json=another(), headers=KEY).status_code == 422
    other = {"Idempotency-Key": "k2"}
    client.post("/users", json=another(), headers=other)
    assert _post(client, [another()], headers=other).status_code == 422


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "ü"])
def test_a_key_must_be_visible_ascii(client, another, key):
    assert _post(client, [another()], headers={"Idempotency-Key": key}).status_code == 400


def test_one_key_in_parallel_makes_one_batch(app, client, another):
    items = [another() for _ in range(5)]

    answers = at_once(app, 8, lambda own, _: _post(own, items))

    assert {one.status_code for one in answers} == {200}
    assert len({one.json["results"][0]["record"]["id"] for one in answers}) == 1
    assert sum("Idempotency-Replayed" in one.headers for one in answers) == 7
    assert _total(client) == 5


def test_of_batches_at_once_that_share_emails_each_email_is_stored_once(app, client):
    emails = [f"user{number}@example.com" for number in range(20)]

    def send(own, number):
        mine = emails if number % 2 else emails[::-1]
        return _post(own, [{"name": f"From {number}", "email": email} for email in mine], headers={})

    answers = at_once(app, 4, send)

    assert {one.status_code for one in answers} == {200}
    statuses = [result["status"] for one in answers for result in one.json["results"]]
    assert (statuses.count(201), statuses.count(409)) == (20, 60)
    assert _total(client) == 20


def test_users_and_batches_at_once_share_emails_without_an_error(app, client):
    def send(own, number):
        email = f"user{number % 3}@example.com"
        if number % 2:
            return own.post(
                "/users", json={"name": "A", "email": email}, headers={"Prefer": "respond-async"}
            ).status_code
        body = {"items": [{"name": "B", "email": email}, {"name": "C", "email": f"own{number}@example.com"}]}
        return {one["status"] for one in own.post("/users/batch", json=body).json["results"]}

    answers = at_once(app, 12, send)

    assert all(answer in ({201}, {201, 409}, 201, 409) for answer in answers)
    assert _total(client) == 3 + 6


def test_a_long_batch_takes_as_many_statements_as_a_short_one(client, another):
    with _statements() as few:
        _post(client, [another() for _ in range(2)], headers={})
    with _statements() as many:
        _post(client, [another() for _ in range(60)], headers={})

    assert len(many) == len(few)
    assert len(many) < 10
