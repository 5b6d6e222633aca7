"""The token expires or cannot be had: one refresh for everybody, records wait, and nothing secret is written down."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.faults_crm import ONE_DATABASE, RunningClock, calls, fault, forget_calls, patch
from tests.support.well import assert_well

PARALLEL = 50
pytestmark = ONE_DATABASE


@pytest.fixture
def users(site):
    return [site.create(f"user{number}@example.com").json() for number in range(PARALLEL)]


def expires_here(site):
    """Both clocks agree that it is over."""
    site.clock.pass_(hours=2)


def expires_there(site):
    """Only the CRM knows: everybody is refused at once."""
    site.crm_clock = RunningClock()
    site.crm_clock.pass_(hours=site.clock.ahead / 3600 + 2)


class TestParallel:
    @pytest.fixture
    def settings(self):
        return {"CRM_TIMEOUT": 20.0, "PUSH_BUDGET": 60.0}

    @pytest.mark.parametrize("expire", [expires_here, expires_there])
    def test_a_token_that_expires_under_fifty_parallel_calls_is_refreshed_once(self, site, users, expire):
        site.kill("worker")  # it has a token of its own
        expire(site)
        forget_calls(site)
        fault(site, "slow", seconds=2, path="/crm/token", count=None)  # everybody comes to want one meanwhile

        with ThreadPoolExecutor(PARALLEL) as pool:
            answers = list(pool.map(lambda user: patch(site, user, phone="222-222-2222").json(), users))

        assert {one["sync_status"] for one in answers} == {"synced"}
        assert calls(site, "token") == 1
        site.clock.pass_(seconds=site.crm_clock.ahead - site.clock.ahead)
        site.crm_clock = site.clock
        site.start("worker")
        assert_well(site, kept=users)


ENDPOINT = {
    "down": {"mode": "cut_before"},
    "refusing": {"mode": "status", "status": 401, "body": {"error": "invalid_client"}},
    "failing": {"mode": "status", "status": 500},
    "slow": {"mode": "slow", "seconds": 600},
    "saying nothing of use": {"mode": "html"},
}


@pytest.mark.parametrize("how", ENDPOINT.values(), ids=ENDPOINT)
def test_records_wait_while_no_token_can_be_had(site, how):
    fault(site, count=None, path="/crm/token", **how)
    site.clock.pass_(hours=2)
    forget_calls(site)

    user = site.create().json()

    assert (user["sync_status"], calls(site, "POST users")) == ("pending", 0)
    assert calls(site, "token") <= 12
    assert_well(site, kept=[user])


@pytest.mark.parametrize("odd", [0, -5, 1, "soon", "3600", None, True, 1e300, [], 0.5], ids=repr)
def test_an_odd_lifetime_of_a_token_is_survived(site, odd):
    fault(site, "alter", set={"expires_in": odd}, path="/crm/token", count=None)
    site.clock.pass_(hours=2)
    forget_calls(site)

    user = site.create().json()
    phones = [patch(site, user, phone=f"{n}{n}{n}-222-2222").json()["sync_status"] for n in range(2, 7)]

    assert {user["sync_status"], *phones} == {"synced"}
    assert calls(site, "token") <= 12  # for six pushes, and what the worker does meanwhile
    assert_well(site, kept=[user])
