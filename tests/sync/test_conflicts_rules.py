"""A choice becomes a rule: for what is open, and for what comes."""

import pytest

from app.core.errors import Invalid, NotFound, Taken
from app.services import resolutions
from tests.support.decisions import HERE, LATER, OPEN, THERE, assert_in_step, decide, only, open_conflict
from tests.support.users import conflicts, patch_later, read


@pytest.fixture
def settings():
    return {"CONFLICT_POLICY": "manual"}


@pytest.fixture
def users(client, another):
    return [client.post("/users", json=another()).json for _ in range(3)]


def disagree(client, crm, worker, user, here=HERE, there=THERE):
    patch_later(client, user, phone=here)
    crm.edit(user["crm_id"], phone=there)
    worker.drain()


@pytest.mark.parametrize(("use", "policy", "phone"), [("crm", "crm_wins", LATER), ("local", "local_wins", HERE)])
def test_a_rule_decides_what_is_open_and_what_comes(client, crm, users, worker, engine, *, use, policy, phone):
    for user in users[:2]:
        disagree(client, crm, worker, user, HERE, LATER)
    first = conflicts(client, OPEN)[0]
    decide(engine, first, use, make_rule=True, by="ann")
    worker.drain()

    assert conflicts(client, OPEN) == []
    assert {one["resolved_by"] for one in conflicts(client)} == {"ann", "rule"}
    assert [(one["field"], one["policy"], one["set_by"]) for one in resolutions.list_rules()] == [
        ("users.phone", policy, "ann")
    ]
    disagree(client, crm, worker, users[2], HERE, LATER)
    assert {read(client, one)["phone"] for one in users} == {phone}
    assert conflicts(client)[0]["policy"] == policy
    assert_in_step(engine, crm)


def test_a_rule_is_for_its_field_only(client, crm, users, worker, engine):
    disagree(client, crm, worker, users[0])
    patch_later(client, users[1], name="Here")
    crm.edit(users[1]["crm_id"], name="There")
    worker.drain()
    decide(engine, only(conflicts(client, f"{OPEN}&field=phone")), "crm", make_rule=True)

    assert open_conflict(client)["field"] == "name"


def test_a_rule_that_is_dropped_holds_no_longer(client, crm, users, worker, engine):
    resolutions.set_rule(engine, "users.phone", "local_wins", "ann")
    disagree(client, crm, worker, users[0])
    assert conflicts(client, OPEN) == []
    resolutions.drop_rule("users.phone")
    disagree(client, crm, worker, users[1])

    assert open_conflict(client)["record_id"] == users[1]["id"]
    assert resolutions.list_rules() == []
    with pytest.raises(NotFound):
        resolutions.drop_rule("users.phone")


def test_the_newer_rule_takes_the_place_of_the_older(client, crm, users, worker, engine):
    resolutions.set_rule(engine, "users.phone", "local_wins", "ann")
    resolutions.set_rule(engine, "users.phone", "crm_wins", "bob")
    disagree(client, crm, worker, users[0])

    assert only(resolutions.list_rules())["set_by"] == "bob"
    assert read(client, users[0])["phone"] == THERE


@pytest.mark.parametrize(
    ("scope", "policy"),
    [
        ("users.phone", "newest"),
        ("users.fax", "crm_wins"),
        ("people.phone", "crm_wins"),
        ("users", "crm_wins"),
        ("users.", "crm_wins"),
        ("", "crm_wins"),
        ("users.phone", ""),
    ],
)
def test_a_rule_for_nothing_or_of_no_policy_is_refused(engine, scope, policy):
    with pytest.raises(Invalid):
        resolutions.set_rule(engine, scope, policy, "ann")
    assert resolutions.list_rules() == []


def test_a_value_is_no_rule_and_nothing_is_decided_then(client, crm, users, worker, engine):
    disagree(client, crm, worker, users[0])

    with pytest.raises(Invalid):
        decide(engine, open_conflict(client), "value", LATER, make_rule=True)
    assert open_conflict(client)["crm"] == THERE


def test_a_claim_is_no_rule(client, crm, users, worker, engine):
    crm.create(name="Another", email=users[0]["email"])
    worker.pull()

    with pytest.raises(Invalid):
        decide(engine, open_conflict(client), "crm", make_rule=True)
    assert resolutions.list_rules() == []


def test_a_choice_that_cannot_be_made_makes_no_rule(client, crm, users, worker, engine, another):
    patch_later(client, users[0], email="here@example.com")
    crm.edit(users[0]["crm_id"], email="there@example.com")
    worker.drain()
    client.post("/users", json=another(email="there@example.com"))

    with pytest.raises(Taken):
        decide(engine, open_conflict(client), "crm", make_rule=True)
    assert resolutions.list_rules() == []


def test_what_a_new_rule_cannot_decide_stays_open(client, crm, users, worker, engine, another):
    for number, user in enumerate(users[:2]):
        patch_later(client, user, email=f"here{number}@example.com")
        crm.edit(user["crm_id"], email=f"there{number}@example.com")
    worker.drain()
    client.post("/users", json=another(email="there1@example.com"))
    first = next(one for one in conflicts(client, OPEN) if one["record_id"] == users[0]["id"])
    decide(engine, first, "crm", make_rule=True)

    assert open_conflict(client)["record_id"] == users[1]["id"]
