"""kill -9 at any moment of a service under load: no acknowledged write is lost, and none is there twice."""

import logging
import os
import time

import pytest

from tests.support.crash_load import kill_at_random
from tests.support.databases import empty

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]
FEW = int(os.environ.get("CRASH_KILLS", "20"))
MANY = int(os.environ.get("CRASH_KILLS", "1000"))
log = logging.getLogger(__name__)


def assert_nothing_is_lost(crms, folder, database, kills):
    began = time.monotonic()
    tally = kill_at_random(crms.url, folder, str(database), kills)
    log.info("%s in %.0f seconds", tally, time.monotonic() - began)

    assert tally["complaints"] == []
    assert tally["kills"] == kills
    assert tally["acknowledged"] > kills / 2, "it died before it could do anything"


def test_a_few_kills_lose_and_double_nothing(crms, fast_folder, sqlite_template):
    assert_nothing_is_lost(crms, fast_folder, sqlite_template, FEW)


@pytest.mark.long
def test_a_thousand_kills_lose_and_double_nothing(crms, fast_folder, sqlite_template):
    assert_nothing_is_lost(crms, fast_folder, sqlite_template, MANY)


@pytest.mark.long
def test_kills_lose_and_double_nothing_on_postgresql(crms, fast_folder, postgres_schema):
    assert_nothing_is_lost(crms, fast_folder, postgres_schema, MANY // 5)
    empty(postgres_schema)
