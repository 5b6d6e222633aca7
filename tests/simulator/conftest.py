"""A theatre in which histories are played."""

import pytest

from app import create_app, start_engine
from app.simulator.theatre import Factory, Theatre


@pytest.fixture(scope="module")
def theatre():
    made = Theatre(Factory(create_app, start_engine))
    yield made
    made.close()
