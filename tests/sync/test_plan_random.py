"""Random edits on both sides, again and again: every plan comes true."""

import random

import pytest

from tests.support.at_random import one_edit
from tests.support.decisions import configure
from tests.support.plans import came_true, foretell, foretold
from tests.support.runs import do, new_users


@pytest.mark.parametrize("number", range(8))
def test_every_plan_comes_true(client, crm, engine, clock, number):
    chance = random.Random(number)
    new_users(client, 4)
    do(engine, "both")
    for _ in range(4):
        configure(engine, chance.choice(["crm_wins", "local_wins", "latest", "manual"]))
        for _ in range(chance.randint(1, 12)):
            one_edit(client, crm, chance, clock)
        planned = foretell(engine)
        run = do(engine, "both")
        assert foretold(planned) == came_true(engine, run)
