"""Random edits on both sides, a run, and its rollback: as foretold, explained, and nothing flips back."""

import random

import pytest

from app.services.rollbacks import roll_back
from tests.support.at_random import one_edit
from tests.support.decisions import configure
from tests.support.drift import look
from tests.support.plans import came_true, foretold
from tests.support.runs import do, done_here, done_there, new_users
from tests.support.users import fields_of


def settle(engine, worker):
    worker.drain()
    do(engine, "both")
    worker.drain()


def touched_by(client, run):
    """Return what is here of the records that a run changed on either side."""
    ids = {one.record_id for one in (*done_here(run["id"]), *done_there(run["id"]))}
    here = client.get("/users?per_page=100").json["data"]
    return {one["id"]: fields_of(one) for one in here if one["id"] in ids}


def back(engine, run):
    foreseen = roll_back(engine, run["id"], "test", dry_run=True)
    done = roll_back(engine, run["id"], "test", dry_run=False)
    assert foretold(foreseen) == came_true(engine, done)
    assert [one["record_id"] for one in foreseen["left"]] == [one["record_id"] for one in left_of(done)]
    return done


def left_of(run):
    return run["parts"]["users"]["left"]


@pytest.mark.parametrize("number", range(8))
def test_every_run_can_be_taken_back(client, crm, engine, clock, worker, number):
    chance = random.Random(number)
    new_users(client, 4)
    for _ in range(3):
        configure(engine, chance.choice(["crm_wins", "local_wins", "latest", "manual"]))
        settle(engine, worker)
        for _ in range(chance.randint(1, 10)):
            one_edit(client, crm, chance, clock)
        direction = chance.choice(["both", "pull", "push"])
        run = do(engine, direction)
        done = back(engine, run)
        if chance.random() < 0.5:
            back(engine, done)
        assert look(engine)["unexplained"] == 0
        if direction == "both":
            now = touched_by(client, run)
            settle(engine, worker)
            assert touched_by(client, run) == now, "nothing flips back"
            assert look(engine)["unexplained"] == 0
