"""A CRM that lies or breaks off: what it did is found out, never believed, and never done twice."""

import resource

import pytest

from tests.support.faults_crm import LIES, ONE_DATABASE, conflicts, fault, heal, pull
from tests.support.server import always, serving
from tests.support.stack import until
from tests.support.well import assert_well


@ONE_DATABASE
@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_create_whose_answer_lies_is_not_called_synced_and_ends_as_one_record(site, lie):
    fault(site, "no_idempotency")
    fault(site, count=2, method="POST", path="/crm/users", **lie)
    bob = site.create("bob@example.com").json()
    assert bob["crm_id"] or bob["sync_status"] == "pending"
    heal(site)

    fault(site, count=None, path="/crm/users*", **lie)
    ann = site.create().json()

    assert ann["sync_status"] == "pending"
    assert ann["sync_error"]
    assert_well(site, kept=[ann, bob])


@pytest.mark.parametrize("hears", [True, False], ids=["webhooks come", "webhooks are lost"])
def test_the_crm_id_of_another_record_is_a_duplicate_and_overwrites_nothing(site, hears):
    ann = site.create().json()
    if not hears:
        fault(site, "webhook_drop", count=None)
    fault(site, "wrong_crm_id", crm_id=ann["crm_id"], method="POST", path="/crm/users")

    bob = site.create("bob@example.com").json()

    assert bob["crm_id"] != ann["crm_id"]
    assert site.user(ann["id"])["email"] == "ann@example.com"
    if not hears:
        assert (bob["sync_status"], bob["crm_id"]) == ("conflict", None)
        assert [one["kind"] for one in conflicts(site, "?status=open")] == ["duplicate"]
        pull(site)
    until(lambda: site.hurry() or site.user(bob["id"])["sync_status"] == "synced", what="hearing its own crm_id")
    assert_well(site, kept=[ann, bob])


@ONE_DATABASE
class TestWithoutEnd:
    @pytest.fixture
    def settings(self):
        return {"CRM_TIMEOUT": 30.0, "PUSH_BUDGET": 60.0}

    def test_a_body_without_end_costs_neither_time_nor_memory(self, site):
        most_before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        fault(site, "huge", megabytes=100_000, count=3, method="POST", path="/crm/users")

        user = site.create().json()  # it is the size that ends it, long before the time is over

        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most_before < 250 * 1024  # kB
        assert_well(site, kept=[user])


@ONE_DATABASE
@pytest.mark.parametrize("path", ["/crm/users*", "/crm/token"], ids=["for a record", "for a token"])
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_nothing_goes_elsewhere(site, code, path):
    with serving(always(b'HTTP/1.1 201 Created\r\nContent-Length: 16\r\n\r\n{"crm_id":"EVE"}')) as elsewhere:
        fault(site, "redirect", status=code, location=f"{elsewhere.url}/crm/users", path=path, count=None)
        site.clock.pass_(hours=2)  # the token has expired

        user = site.create().json()

        assert (user["sync_status"], user["crm_id"]) == ("pending", None)
        assert_well(site, kept=[user])
        assert (elsewhere.connections, elsewhere.heads) == ([], [])
