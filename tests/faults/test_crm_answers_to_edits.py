"""Answers to edits and deletions that lie or break off, and a CRM that has moved on meanwhile."""

import pytest
import requests

from tests.support.faults_crm import LIES, ONE_DATABASE, calls, delete_there, fault, forget_calls, heal, patch, status
from tests.support.stack import until
from tests.support.well import assert_problem, assert_well, everybody_here

ABOUT_EDITS = LIES | {"another crm_id": {"mode": "wrong_crm_id"}}
del ABOUT_EDITS["a 204, not done"]  # to a deletion that is a right answer: nobody could tell


@ONE_DATABASE
@pytest.mark.parametrize("lie", ABOUT_EDITS.values(), ids=ABOUT_EDITS)
def test_an_update_and_a_deletion_whose_answers_lie_are_found_out(site, lie):
    users = [site.create().json(), site.create("bob@example.com").json()]
    fault(site, count=None, path="/crm/users/*", **lie)

    assert patch(site, users[0], phone="222-222-2222").json()["sync_status"] == "pending"
    delete(site, users[1])

    assert_well(site, kept=users[:1])
    assert [one["phone"] for one in site.there()] == ["222-222-2222"]


def delete(site, user):
    assert requests.delete(f"{site.api}/users/{user['id']}", timeout=30).status_code == 204


@pytest.mark.parametrize("act", ["update", "delete"])
def test_a_404_to_an_edit_means_that_it_was_deleted_there(site, act):
    user = site.create().json()
    fault(site, "webhook_drop", count=None)
    delete_there(site, user["crm_id"])

    if act == "update":
        assert_problem(patch(site, user, phone="222-222-2222"), 404)  # found out while it was told
    else:  # unless the scheduled pull was faster: then it is gone here already
        assert requests.delete(f"{site.api}/users/{user['id']}", timeout=30).status_code in {204, 404}

    assert site.user(user["id"])["status"] == 404
    assert_well(site)
    assert everybody_here(site) == []


class TestKept:
    @pytest.fixture
    def settings(self):
        return {"SYNC_DELETED": False}

    def test_a_404_to_an_edit_leaves_the_record_where_deletions_are_kept(self, site):
        user = site.create().json()
        fault(site, "webhook_drop", count=None)
        delete_there(site, user["crm_id"])
        forget_calls(site)

        patch(site, user, phone="222-222-2222")

        found = site.user(user["id"])
        assert (found["phone"], found["crm_id"]) == ("222-222-2222", None)
        assert found["sync_error"]
        assert calls(site, "POST users") == 0
        until(lambda: status(site)["resources"]["users"]["owed"] == 0)
        assert site.there() == []


@pytest.mark.parametrize("code", [409, 412])
def test_a_record_that_has_moved_on_is_fetched_and_merged(site, code):
    user = site.create().json()
    fault(site, "webhook_drop", count=None)
    site.edit_there(user["crm_id"], name="Ann There")
    if code == 409:
        fault(site, "status", status=409, method="PATCH")
    forget_calls(site)

    edited = patch(site, user, phone="222-222-2222").json()

    assert (edited["sync_status"], edited["name"], edited["phone"]) == ("synced", "Ann There", "222-222-2222")
    assert calls(site, "PATCH users/<id>") == 2
    assert_well(site, kept=[user])


@pytest.mark.parametrize("code", [409, 412])
def test_a_record_that_never_stops_moving_on_takes_three_rounds_and_waits(site, code):
    user = site.create().json()
    fault(site, "status", status=code, method="PATCH", count=None)
    site.kill("worker")
    forget_calls(site)

    edited = patch(site, user, phone="222-222-2222").json()

    assert edited["sync_status"] == "pending"
    assert calls(site, "PATCH users/<id>") == 3
    heal(site)
    site.start("worker")
    assert_well(site, kept=[user])
