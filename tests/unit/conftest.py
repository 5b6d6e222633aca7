"""Fixtures of the CRM client's tests: the CRM as canned answers, and clients to ask it."""

from dataclasses import replace

import pytest
import responses

from app.crm import CRMClient
from tests.support.crm_client import CONFIG
from tests.support.settings import CRM_URL as URL


@pytest.fixture
def line():
    """The CRM as canned answers; every one must be asked for as often as it is registered to matter."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def client(crm, world):
    """A client of the mock CRM."""
    made = CRMClient(CONFIG, world)
    made.session.mount(URL, crm.line)
    return made


@pytest.fixture
def canned(world):
    """A client of canned answers."""
    return CRMClient(CONFIG, world)


@pytest.fixture
def once(world):
    """A client of canned answers that tries once."""
    return CRMClient(replace(CONFIG, max_retries=1), world)
