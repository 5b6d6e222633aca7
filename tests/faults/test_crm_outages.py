"""The CRM is away, silent, slow or failing: the record is stored, the call ends in time, and it arrives once."""

import time

import pytest

from tests.support.faults_crm import ONE_DATABASE, calls, fault
from tests.support.well import assert_well

AWAY = {
    "a closed port": None,
    "a black hole": {"mode": "hang", "seconds": 600},
    "a black hole that did the write": {"mode": "hang", "seconds": 600, "write": True},
    "slow beyond the deadline": {"mode": "slow", "seconds": 600},
    "dripping beyond the deadline": {"mode": "drip", "seconds": 0.2},
}
ENDS_WITHIN = 20.0
"""Seconds: three attempts of one second each are at work; the rest is what a busy machine may need."""


@pytest.mark.parametrize("how", AWAY.values(), ids=AWAY)
def test_what_is_stored_while_the_crm_is_away_is_pending_and_arrives_once(site, how):
    if how is None:
        site.kill("crm")
    else:
        fault(site, count=None, **how)
    began = time.monotonic()

    user = site.create()

    assert time.monotonic() - began < ENDS_WITHIN
    assert (user.status_code, user.json()["sync_status"]) == (201, "pending")
    if how is None:
        site.start("crm")
    assert_well(site, kept=[user.json()])


@ONE_DATABASE
@pytest.mark.parametrize("write", [False, True], ids=["not done", "done"])
@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_a_server_error_twice_takes_three_attempts_and_makes_one_record(site, code, write):
    fault(site, "status", status=code, count=2, method="POST", write=write)
    site.clock.slept.clear()

    user = site.create().json()

    assert user["sync_status"] == "synced"
    # What may have been done is looked for before it is sent again, and found if it was done.
    assert calls(site, "POST users") == (1 if write and code != 503 else 3)
    waits = [seconds for seconds in site.clock.slept if seconds > 0]
    assert all(0 < wait <= most for wait, most in zip(waits, (0.5, 1.0), strict=False))
    assert_well(site, kept=[user])
