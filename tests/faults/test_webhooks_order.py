"""Deliveries doubled, shuffled, early, late or lost: the record ends as the CRM has it, whatever the order."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import requests

from app.core.kinds import format_time
from tests.support.deliveries import edit_there, journal, post, say
from tests.support.faults_crm import (
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
    waiting_faults,
)
from tests.support.stack import until
from tests.support.well import assert_well, everybody_here, is_settled

EDITS = ({"phone": "222-222-2222"}, {"name": "Ann There"}, {"phone": "333-333-3333"}, {"name": "Ann Last"})


@pytest.fixture
def user(site):
    return site.create().json()


def test_one_delivery_a_hundred_times_at_once_is_applied_once(site, user):
    fault(site, "webhook_drop", count=None)
    raw = edit_there(site, user["crm_id"], phone="222-222-2222")

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: post(site, raw, "msg_1"), range(100)))

    assert {one.status_code for one in answers} == {200}
    outcomes = sorted(one.json()["outcome"] for one in answers)
    assert outcomes == ["applied", *["duplicate"] * 99]
    assert (len(journal(site, user)), site.user(user["id"])["version"]) == (1, user["version"] + 1)
    assert_well(site, kept=[user])


def test_every_order_of_the_same_deliveries_doubled_ends_the_same(site):
    fault(site, "webhook_drop", count=None)
    orders = list(itertools.permutations(range(len(EDITS))))
    users = [site.create(f"person{number}@example.com").json() for number in range(len(orders))]
    said = [[edit_there(site, user["crm_id"], **fields) for fields in EDITS] for user in users]

    def deliver(number):
        for place in orders[number] * 2:
            assert post(site, said[number][place], f"msg_{number}_{place}").status_code == 200

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(deliver, range(len(orders))))

    found = [site.user(user["id"]) for user in users]
    assert {(one["name"], one["phone"]) for one in found} == {("Ann Last", "333-333-3333")}
    assert_well(site, kept=users)


def test_a_delivery_before_the_creates_answer_is_stored_is_not_lost(site):
    fault(site, "drip", seconds=0.002, method="POST", path="/crm/users")
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(site.create)
        [there] = until(site.there, what="the record in the CRM")
        site.edit_there(there["crm_id"], phone="222-222-2222")
        early = say(site, there["crm_id"], {"name": "Ann Early"}, "msg_1", version=0)
        user = creating.result(60).json()

    assert early.status_code in {200, 202}
    until(lambda: site.user(user["id"])["phone"] == "222-222-2222", what="the edit")
    assert_well(site, kept=[user])
    assert len(everybody_here(site)) == 1


def test_a_crm_id_that_nobody_knows_is_parked_and_then_dropped(site):
    fault(site, "status", status=500, method="GET", count=None)
    assert (answer := say(site, "CRM424242", {"phone": "222-222-2222"}, "msg_1")).status_code == 202
    assert answer.json()["outcome"] == "parked"

    def has_gone():
        site.clock.pass_(hours=2)
        return status(site)["resources"]["users"]["parked"] == 0

    until(has_gone, seconds=60, what="its time")
    assert everybody_here(site) == []
    assert_well(site)


def test_older_equal_and_future_stamps_are_settled_by_the_crm(site, user):
    fault(site, "webhook_drop", count=None)
    newest = edit_there(site, user["crm_id"], phone="333-333-3333")
    assert post(site, newest, "msg_0").json()["outcome"] in {"applied", "unchanged"}  # a pull may have been first
    at = site.there()[0]["updated_at"]
    old, ahead = site.clock.now() - timedelta(hours=1), site.clock.now() + timedelta(hours=1)

    older = say(site, user["crm_id"], {"phone": "111-111-1111"}, "msg_1", timestamp=format_time(old))
    equal = say(site, user["crm_id"], {"phone": "444-444-4444"}, "msg_2", timestamp=at)
    future = say(site, user["crm_id"], {"phone": "555-555-5555"}, "msg_3", timestamp=format_time(ahead))

    assert [one.json()["outcome"] for one in (older, equal, future)] == ["stale", "parked", "parked"]
    until(lambda: is_settled(site), what="asking the CRM")
    assert site.user(user["id"])["phone"] == "333-333-3333"
    assert_well(site, kept=[user])


def test_our_own_push_coming_back_causes_no_further_call(site, user):
    patch(site, user, phone="222-222-2222")
    until(lambda: is_settled(site), what="the echoes")
    pull(site)
    forget_calls(site)
    echo = {"name": "Ann Example", "phone": "222-222-2222"}
    assert say(site, user["crm_id"], echo, "msg_1", version=2).json()["outcome"] in {"unchanged", "stale"}
    patch(site, user, name="Ann Here")
    until(lambda: is_settled(site), what="the echo")

    assert calls(site, "PATCH users/<id>", "POST users", "POST users/batch", "GET users/<id>") == 1
    assert_well(site, kept=[user])


@pytest.mark.parametrize("where", ["there", "here"])
def test_what_is_deleted_stays_deleted_whatever_comes_late(site, user, where):
    fault(site, "webhook_drop", count=None)
    late = edit_there(site, user["crm_id"], phone="222-222-2222")
    later = edit_there(site, user["crm_id"], phone="333-333-3333")
    if where == "here":
        assert requests.delete(f"{site.api}/users/{user['id']}", timeout=30).status_code == 204
    else:
        delete_there(site, user["crm_id"])
        assert say(site, user["crm_id"], {}, "msg_0", event="deleted", version=4).json()["outcome"] == "applied"

    answers = [post(site, late, "msg_1"), post(site, later, "msg_2"), post(site, late, "msg_3")]

    assert {one.status_code for one in answers} <= {200, 202}
    assert_well(site)
    assert everybody_here(site) == []


def test_when_every_webhook_is_lost_the_next_pull_repairs_it(site, user):
    gone = site.create("gone@example.com").json()
    fault(site, "webhook_drop", count=None)
    site.edit_there(user["crm_id"], name="Ann There", phone=None)
    delete_there(site, gone["crm_id"])
    create_there(site, name="Cleo New", email="cleo@example.com", phone="222-222-2222")
    assert site.user(user["id"])["name"] == "Ann Example"

    assert pull(site)["status"] == "succeeded"

    assert (site.user(user["id"])["name"], site.user(user["id"])["phone"]) == ("Ann There", None)
    assert {one["email"] for one in everybody_here(site)} == {"ann@example.com", "cleo@example.com"}
    assert_well(site, kept=[user])


def test_a_put_of_the_same_field_in_flight_is_decided_and_other_fields_survive(site, user):
    site.kill("worker")
    fault(site, "slow", seconds=60, method="PATCH")
    body = {"name": user["name"], "email": "ann.here@example.com", "phone": "222-222-2222"}
    with ThreadPoolExecutor(1) as pool:
        url = f"{site.api}/users/{user['id']}"
        putting = pool.submit(requests.put, url, json=body, timeout=60)
        until(lambda: not waiting_faults(site, "slow"), what="the call on its way")
        site.edit_there(user["crm_id"], phone="333-333-3333", name="Ann There")
        until(lambda: site.user(user["id"])["name"] == "Ann There", what="the webhook")
        heal(site)
        assert putting.result(60).status_code == 200

    site.start("worker")
    assert_well(site, kept=[user])
    found = site.user(user["id"])
    assert (found["phone"], found["name"], found["email"]) == ("333-333-3333", "Ann There", "ann.here@example.com")
    [one] = conflicts(site)
    assert (one["field"], one["local"], one["crm"]) == ("phone", "222-222-2222", "333-333-3333")
