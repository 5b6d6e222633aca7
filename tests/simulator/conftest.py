"""A theatre in which histories are played."""

from functools import partial

import pytest

from app import create_app, start_engine
from app.simulator.theatre import Factory, Theatre
from tests.support.settings import USERS


@pytest.fixture(scope="module")
def theatre():
    made = Theatre(Factory(partial(create_app, registry=USERS), partial(start_engine, registry=USERS)))
    yield made
    made.close()
