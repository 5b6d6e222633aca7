"""The CRM asks us to slow down, or says no: obeyed, and asked no more than needed."""

from datetime import timedelta
from email.utils import format_datetime

import pytest

from tests.support.faults_crm import ONE_DATABASE, calls, fault, forget_calls, heal, patch, status
from tests.support.stack import until
from tests.support.well import assert_well

NAMED = {
    "seconds": ("3", 2.5, 3.1),
    "a date": (4, 2.5, 5.1),
    "nonsense": ("soon", 0.5, 1.1),
    "negative": ("-5", 0.5, 1.1),
    "none at all": (None, 0.5, 1.1),
}
"""Retry-After → the least and the most seconds that the client rests."""


@pytest.fixture
def settings():
    """A busy machine is no outage: what is counted here is what the CRM asked for."""
    return {"CRM_TIMEOUT": 20.0, "PUSH_BUDGET": 60.0}


@ONE_DATABASE
@pytest.mark.parametrize(("asked", "least", "most"), NAMED.values(), ids=NAMED)
def test_a_short_pause_is_kept_within_the_same_push(site, asked, least, most):
    if isinstance(asked, int):
        asked = format_datetime(site.clock.now() + timedelta(seconds=asked), usegmt=True)
    fault(site, "status", status=429, retry_after=asked, method="POST")
    site.clock.slept.clear()

    user = site.create().json()

    assert (user["sync_status"], calls(site, "POST users")) == ("synced", 2)
    assert least <= sum(site.clock.slept) <= most
    assert_well(site, kept=[user])


@pytest.mark.parametrize("asked", ["600", "999999999999", "9" * 400], ids=["ten minutes", "huge", "absurd"])
def test_a_long_pause_holds_the_whole_client_and_is_capped(site, asked):
    fault(site, "status", status=429, retry_after=asked, method="POST", count=None)
    users = [site.create().json()]
    assert users[0]["sync_status"] == "pending"
    paused_for = status(site)["crm"]["paused_for"]
    assert 0 < paused_for <= 3600
    forget_calls(site)
    heal(site)

    users += [site.create(f"user{number}@example.com").json() for number in range(5)]
    site.clock.pass_(seconds=paused_for / 4)

    assert {one["sync_status"] for one in users} == {"pending"}
    assert calls(site, "POST users") <= 1  # the worker has a pause of its own to learn of
    site.clock.pass_(seconds=paused_for)
    assert_well(site, kept=users)


@pytest.mark.parametrize("code", [400, 422])
def test_a_refusal_is_one_call_and_says_why_in_the_crms_words(site, code):
    words = {"error": "validation_failed", "message": "This area code is not served."}
    fault(site, "status", status=code, body=words, count=None, method="POST")

    user = site.create().json()

    assert user["sync_status"] == "failed"
    assert "This area code is not served." in user["sync_error"]
    for _ in range(4):
        site.clock.pass_(hours=1)
        until(lambda: status(site)["resources"]["users"]["owed"] == 0)
    assert calls(site, "POST users", "POST users/batch") == 1
    heal(site)
    assert patch(site, user, phone="222-222-2222").json()["sync_status"] == "synced"
    assert_well(site, kept=[user])
