"""A CRM that stores another form, ignores or renames a field, knows a person twice, merges, or lists late."""

import pytest
import requests

from tests.support.faults_crm import (
    ONE_DATABASE,
    calls,
    conflicts,
    create_there,
    delete_there,
    fault,
    forget_calls,
    heal,
    patch,
    pull,
    status,
)
from tests.support.stack import STAFF, until
from tests.support.well import assert_well, everybody_here, is_settled, log_lines

LONG = "Ann Example of the Department of Things That Are Cut"
IDEAS = {
    "without spaces at the ends": ({"mode": "normalise"}, {"name": " Ann Example  "}, {"name": "Ann Example"}),
    "in lower case": ({"mode": "normalise"}, {"email": "Ann@Example.COM"}, {"email": "ann@example.com"}),
    "digits only": ({"mode": "digits_only"}, {"phone": "(123) 456-7890"}, {"phone": "1234567890"}),
    "cut at 40": ({"mode": "truncate_fields", "length": 40}, {"name": LONG}, {"name": LONG[:40]}),
    "ignored": ({"mode": "ignore_field", "field": "phone"}, {"phone": "222-222-2222"}, {"phone": None}),
}


def create(site, **fields):
    body = {"name": "Ann Example", "email": "ann@example.com", "phone": "123-456-7890", **fields}
    return requests.post(f"{site.api}/users", json=body, timeout=20).json()


def settle(site):
    """Let webhooks, pulls and pushes do all that they want to."""
    for _ in range(3):
        site.clock.pass_(minutes=20)
        pull(site)
        until(lambda: is_settled(site), what="settling")


def problems(site):
    return status(site)["resources"]["users"]["problems"]


def reports(site):
    return [one for one in log_lines(site) if one["event"] == "field_unmentioned"]


def verify(site):
    return requests.post(f"{site.api}/sync/verify", timeout=30).json()


@pytest.mark.parametrize("policy", ["crm_wins", "local_wins"])
@pytest.mark.parametrize(("idea", "sent", "kept"), IDEAS.values(), ids=IDEAS)
class TestAnotherForm:
    @pytest.fixture
    def settings(self, policy):
        return {"CONFLICT_POLICY": policy}

    def test_what_is_stored_in_another_form_settles_after_one_push(self, site, policy, idea, sent, kept):
        fault(site, **idea)
        user = create(site, **sent)
        settle(site)
        assert calls(site, "POST users", "PATCH users/<id>", "POST users/batch") == 1
        [there] = site.there()
        assert {name: there[name] for name in kept} == kept

        forget_calls(site)
        edited = patch(site, user, **{name: f"{value} 3" for name, value in sent.items() if name == "name"} or sent)
        settle(site)

        assert edited.status_code == 200
        assert calls(site, "PATCH users/<id>", "POST users/batch") <= 1
        assert problems(site) == []
        assert_well(site, kept=[user], alike=policy == "crm_wins")


@ONE_DATABASE
def test_a_renamed_field_is_left_alone_and_reported_and_the_others_go_on(site):
    user = site.create().json()
    fault(site, "webhook_drop", count=None)
    fault(site, "alter", rename={"phone": "telephone"}, path="/crm/users*", count=None)
    site.edit_there(user["crm_id"], name="Ann There")
    pull(site)
    assert (site.user(user["id"])["name"], site.user(user["id"])["phone"]) == ("Ann There", "123-456-7890")
    assert problems(site) == ["The CRM no longer mentions users.phone: 1 records in the last pull."]
    assert [(one["resource"], one["field"], one["records"]) for one in reports(site)] == [("users", "phone", 1)]
    [difference] = verify(site)["differences"]
    assert (difference["reason"], difference["record_id"]) == ("unmentioned", user["id"])
    assert "phone" in difference["note"]
    forget_calls(site)

    patch(site, user, phone="222-222-2222")
    settle(site)

    assert calls(site, "PATCH users/<id>", "POST users/batch") == 1
    assert site.user(user["id"])["phone"] == "222-222-2222"
    heal(site)  # it is named again, and says what it was told meanwhile
    fault(site, "webhook_drop", count=None)
    site.edit_there(user["crm_id"], name="Ann Again")
    settle(site)
    assert problems(site) == []
    assert_well(site, kept=[user])


@ONE_DATABASE
def test_a_field_that_the_crm_never_mentions_is_no_problem(site):
    fault(site, "webhook_drop", count=None)
    fault(site, "alter", rename={"phone": "telephone"}, path="/crm/users*", count=None)
    user = site.create().json()
    site.edit_there(user["crm_id"], name="Ann There")
    settle(site)

    assert site.user(user["id"])["name"] == "Ann There"
    assert (problems(site), reports(site), verify(site)["differences"]) == ([], [], [])
    heal(site)
    assert_well(site, kept=[user])


def test_two_crm_records_with_one_email_are_a_duplicate_and_nothing_is_overwritten(site):
    user = site.create().json()
    twin = create_there(site, name="Ann Twin", email="ANN@example.com", phone="333-333-3333")
    until(lambda: site.hurry() or conflicts(site, "?status=open"), what="the conflict")

    assert [one["kind"] for one in conflicts(site, "?status=open")] == ["duplicate"]
    found = site.user(user["id"])
    assert (found["name"], found["crm_id"]) == (user["name"], user["crm_id"])
    assert {one["name"] for one in site.there()} == {"Ann Example", "Ann Twin"}

    delete_there(site, twin["crm_id"])
    until(lambda: site.hurry() or not conflicts(site, "?status=open"), what="the end of the claim")
    assert_well(site, kept=[user])


@pytest.mark.parametrize("hears", [True, False], ids=["by webhooks", "by a pull"])
def test_when_the_crm_merges_two_records_the_link_moves(site, hears):
    loser, winner = site.create().json(), create_there(site, name="Ann of the CRM", email="ann.crm@example.com")
    until(lambda: site.hurry() or len(everybody_here(site)) == 2, what="the other record")
    if not hears:
        fault(site, "webhook_drop", count=None)

    url = f"{site.crm}/crm/users/{winner['crm_id']}/merge"
    assert requests.post(url, json={"crm_id": loser["crm_id"]}, headers=STAFF, timeout=5).ok
    if not hears:
        pull(site)
    until(lambda: site.hurry() or [one["crm_id"] for one in everybody_here(site)] == [winner["crm_id"]])

    assert_well(site)


def test_what_the_crm_lists_late_is_caught_by_the_overlap(site):
    user = site.create().json()
    fault(site, "webhook_drop", count=None)
    fault(site, "lists_late", seconds=3600)
    site.edit_there(user["crm_id"], phone="222-222-2222")
    create_there(site, name="Late Arrival", email="late@example.com")
    pull(site)
    assert site.user(user["id"])["phone"] == "123-456-7890"

    site.clock.pass_(hours=2)
    pull(site)

    assert site.user(user["id"])["phone"] == "222-222-2222"
    heal(site)
    assert_well(site, kept=[user])
    assert len(everybody_here(site)) == 2
