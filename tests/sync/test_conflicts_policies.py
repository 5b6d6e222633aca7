"""Who wins a conflict: the policy for everything, for a resource, for a field, declared, and made by a person."""

from dataclasses import replace

import pytest

from app.services import resolutions
from tests.support.decisions import HERE, OPEN, THERE, assert_in_step, configure, only
from tests.support.settings import ANN
from tests.support.users import conflicts, patch_later, read

WINNERS = [
    ("crm_wins", None, None, "crm"),
    ("local_wins", None, None, "local"),
    ("manual", None, None, None),
    ("crm_wins,users:local_wins", None, None, "local"),
    ("local_wins,users:local_wins,users.phone:crm_wins", None, None, "crm"),
    ("crm_wins,users:manual", "local_wins", None, "local"),
    ("crm_wins,users.phone:manual", "local_wins", None, None),
    ("manual,users.phone:manual", "manual", "local_wins", "local"),
    ("local_wins", "local_wins", "crm_wins", "crm"),
    ("crm_wins", None, "manual", None),
]
"""What is configured, what the field declares, what a person made a rule, and who wins."""


@pytest.fixture
def declare(engine, monkeypatch):
    fields = engine.registry["users"].fields
    return lambda wins: monkeypatch.setitem(fields, "phone", replace(fields["phone"], wins=wins))


def by_push(client, crm, user, worker, webhook):
    worker.drain()


def by_pull(client, crm, user, worker, webhook):
    worker.pull()
    worker.drain()


def by_webhook(client, crm, user, worker, webhook):
    webhook(user["crm_id"], {"phone": THERE}, version=2)
    worker.drain()


WAYS = pytest.mark.parametrize("hear", [by_push, by_pull, by_webhook])


@WAYS
@pytest.mark.parametrize(("configured", "declared", "rule", "winner"), WINNERS)
def test_the_most_special_policy_says_who_wins(
    client, crm, user, worker, webhook, engine, declare, *, hear, configured, declared, rule, winner
):
    configure(engine, configured)
    declare(declared)
    if rule:
        resolutions.set_rule(engine, "users.phone", rule, "ann")
    patch_later(client, user, phone=HERE)
    crm.edit(user["crm_id"], phone=THERE)
    hear(client, crm, user, worker, webhook)

    found = only(conflicts(client))
    assert (found["last_told"], found["local"], found["crm"]) == (ANN["phone"], HERE, THERE)
    assert (found["resolution"], found["resolved_by"]) == (winner, winner and "policy")
    both = (read(client, user)["phone"], crm.get(user["crm_id"])["phone"])
    assert both == {"crm": (THERE, THERE), "local": (HERE, HERE), None: (HERE, THERE)}[winner]
    assert found["policy"] == (rule or {"crm": "crm_wins", "local": "local_wins", None: "manual"}[winner])


@WAYS
@pytest.mark.parametrize("configured", ["crm_wins", "local_wins"])
def test_both_sides_are_in_step_after_a_policy_has_decided(
    client, crm, user, worker, webhook, engine, *, hear, configured
):
    configure(engine, configured)
    patch_later(client, user, phone=HERE, name="Ann Here")
    crm.edit(user["crm_id"], phone=THERE, email="there@example.com")
    hear(client, crm, user, worker, webhook)
    worker.pull()
    worker.drain()

    assert_in_step(engine, crm)
    assert (read(client, user)["name"], read(client, user)["email"]) == ("Ann Here", "there@example.com")
    assert (read(client, user)["sync_status"], conflicts(client, OPEN)) == ("synced", [])


def test_a_conflict_is_told_of_once_however_often_it_is_heard(client, crm, user, worker, webhook, engine):
    configure(engine, "manual")
    patch_later(client, user, phone=HERE)
    crm.edit(user["crm_id"], phone=THERE)
    for _ in range(2):
        webhook(user["crm_id"], {"phone": THERE}, version=2)
        worker.pull()
        worker.drain()

    assert only(conflicts(client))["status"] == "open"


def test_the_same_change_on_both_sides_is_no_conflict(client, crm, user, worker, engine):
    configure(engine, "manual")
    patch_later(client, user, phone=HERE)
    crm.edit(user["crm_id"], phone=HERE)
    worker.pull()
    worker.drain()

    assert conflicts(client) == []
    assert_in_step(engine, crm)
