"""Theatres in which histories are played: of users alone, and of everything that is declared."""

import pytest

from app import create_app, start_engine
from app.resources import REGISTRY
from app.simulator.theatre import Factory, Theatre

FACTORY = Factory(create_app, start_engine, REGISTRY)


@pytest.fixture(scope="module")
def theatre():
    made = Theatre(FACTORY)
    yield made
    made.close()


@pytest.fixture(scope="module")
def whole_theatre():
    made = Theatre(FACTORY, REGISTRY)
    yield made
    made.close()
