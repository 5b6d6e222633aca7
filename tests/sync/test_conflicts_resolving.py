"""A person decides: for the CRM's value, for ours, for another one; one conflict or many."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.core.errors import AlreadyDecided, Invalid, NotFound, Taken
from app.services import resolutions
from app.services.resolutions import Decision
from app.sync.resolve import Choice
from tests.support.decisions import (
    HERE,
    LATER,
    OPEN,
    RESOLVED,
    THERE,
    assert_in_step,
    decide,
    decide_many,
    only,
    open_conflict,
)
from tests.support.settings import ANN
from tests.support.users import changes_of, conflicts, patch, patch_later, read


@pytest.fixture
def settings():
    return {"CONFLICT_POLICY": "manual"}


@pytest.fixture
def disagree(client, crm, worker):
    """Let a field of a user wait for a person."""

    def disagree(user, **fields):
        patch_later(client, user, **{name: here for name, (here, _) in fields.items()})
        crm.edit(user["crm_id"], **{name: there for name, (_, there) in fields.items()})
        worker.drain()
        return user

    return disagree


@pytest.fixture
def waiting(disagree, user):
    return disagree(user, phone=(HERE, THERE))


@pytest.mark.parametrize(
    ("use", "value", "phone"), [("crm", None, THERE), ("local", None, HERE), ("value", LATER, LATER)]
)
def test_both_sides_take_what_was_chosen(client, crm, waiting, worker, engine, *, use, value, phone):
    shown = decide(engine, open_conflict(client), use, value, by="ann")
    assert (shown["status"], shown["resolution"], shown["resolved_by"]) == ("resolved", use, "ann")
    worker.drain()

    assert_in_step(engine, crm)
    found = read(client, waiting)
    assert (found["phone"], found["sync_status"], conflicts(client, OPEN)) == (phone, "synced", [])
    assert (shown["local"], shown["crm"], shown["last_told"]) == (HERE, THERE, ANN["phone"])


@pytest.mark.parametrize(("use", "value", "told"), [("crm", None, (HERE, THERE)), ("value", LATER, (HERE, LATER))])
def test_the_journal_says_that_a_person_decided(client, waiting, worker, engine, *, use, value, told):
    before = read(client, waiting)["version"]
    decide(engine, open_conflict(client), use, value)
    worker.drain()

    newest = changes_of(client, waiting)[0]
    assert (newest["by"], newest["field"], newest["from"], newest["to"]) == ("resolution", "phone", *told)
    assert read(client, waiting)["version"] == before + 1


def test_choosing_ours_changes_nothing_here(client, waiting, worker, engine):
    before = read(client, waiting)
    decide(engine, open_conflict(client), "local")
    worker.drain()

    assert (read(client, waiting)["version"], changes_of(client, waiting)[0]["by"]) == (before["version"], "api")


def test_a_value_may_be_nothing(client, crm, waiting, worker, engine):
    decide(engine, open_conflict(client), "value", None)
    worker.drain()

    assert read(client, waiting)["phone"] is crm.get(waiting["crm_id"])["phone"] is None


@pytest.mark.parametrize("value", ["not a phone", 7, ["1"], "x" * 40])
def test_a_value_that_the_field_cannot_hold_is_refused(client, waiting, engine, value):
    with pytest.raises(Invalid) as refusal:
        decide(engine, open_conflict(client), "value", value)

    assert "phone" in refusal.value.errors
    assert read(client, waiting)["phone"] == HERE


def test_a_value_that_another_user_has_is_taken(client, crm, waiting, disagree, engine, another):
    client.post("/users", json=another(email="bob@example.com"))
    disagree(waiting, email=("here@example.com", "there@example.com"))
    found = only(conflicts(client, f"{OPEN}&field=email"))

    with pytest.raises(Taken):
        decide(engine, found, "value", "BOB@example.com")
    assert only(conflicts(client, f"{OPEN}&field=email")) == found


def test_a_value_of_the_crm_that_another_user_has_by_now_is_taken(client, crm, user, disagree, engine, another):
    disagree(user, email=("here@example.com", "there@example.com"))
    bob = client.post("/users", json=another(email="There@example.com")).json

    with pytest.raises(Taken):
        decide(engine, open_conflict(client), "crm")
    patch(client, bob, email="bob@example.com")
    decide(engine, open_conflict(client), "crm")
    assert read(client, user)["email"] == "there@example.com"


def test_nobody_decides_twice(client, crm, waiting, worker, engine):
    found = open_conflict(client)
    decide(engine, found, "crm")

    with pytest.raises(AlreadyDecided):
        decide(engine, found, "local")
    worker.drain()
    assert read(client, waiting)["phone"] == crm.get(waiting["crm_id"])["phone"] == THERE


def test_of_many_who_decide_at_once_one_does(app, client, crm, waiting, worker, engine):
    found, start = open_conflict(client), threading.Barrier(6)

    def choose(number):
        with app.app_context():
            start.wait()
            try:
                decide(engine, found, "value", f"555-555-010{number}", by=f"person {number}")
            except AlreadyDecided:
                return None
            return number

    with ThreadPoolExecutor(6) as pool:
        [decided] = [one for one in pool.map(choose, range(6)) if one is not None]
    worker.drain()

    assert read(client, waiting)["phone"] == crm.get(waiting["crm_id"])["phone"] == f"555-555-010{decided}"
    assert only(conflicts(client))["resolved_by"] == f"person {decided}"


def test_what_both_sides_agreed_on_meanwhile_is_decided_already(client, waiting, engine):
    found = open_conflict(client)
    patch(client, waiting, phone=THERE)

    with pytest.raises(AlreadyDecided):
        decide(engine, found, "local")


def test_what_nobody_knows_cannot_be_decided(engine):
    with pytest.raises(NotFound):
        decide(engine, {"id": "nothing"}, "crm")


def test_the_crms_value_of_now_is_taken_not_that_of_a_conflict_that_was_superseded(
    client, crm, waiting, worker, engine
):
    old = open_conflict(client)
    crm.edit(waiting["crm_id"], phone=LATER)
    worker.pull()

    with pytest.raises(AlreadyDecided):
        decide(engine, old, "crm")
    decide(engine, open_conflict(client), "crm")
    assert read(client, waiting)["phone"] == LATER


def test_a_change_there_that_nobody_here_has_seen_is_merged_before_our_choice_is_pushed(
    client, crm, waiting, worker, engine
):
    crm.edit(waiting["crm_id"], name="Ann There", phone=LATER)
    decide(engine, open_conflict(client), "local")
    worker.drain()

    assert read(client, waiting)["name"] == crm.get(waiting["crm_id"])["name"] == "Ann There"
    assert (open_conflict(client)["crm"], crm.get(waiting["crm_id"])["phone"]) == (LATER, LATER)


def test_an_outage_after_the_choice_only_delays_it(client, crm, waiting, worker, engine):
    crm.fault("status", status=503, count=3, method="PATCH")
    decide(engine, open_conflict(client), "local")
    worker.drain()

    assert_in_step(engine, crm)
    assert read(client, waiting)["phone"] == HERE


class TestMany:
    @pytest.fixture
    def many(self, client, disagree, another):
        users = [client.post("/users", json=another()).json for _ in range(5)]
        return [disagree(one, phone=(HERE, THERE), name=("Here", "There")) for one in users]

    def test_all_that_fit_are_decided(self, client, crm, many, worker, engine):
        assert decide_many(engine, "crm", field="phone") == {"resolved": 5, "left": []}
        assert decide_many(engine, "local", record_id=many[0]["id"]) == {"resolved": 1, "left": []}
        worker.drain()

        assert {read(client, one)["phone"] for one in many} == {THERE}
        assert [read(client, one)["name"] for one in many] == ["Here"] * 5
        assert [crm.get(one["crm_id"])["name"] for one in many] == ["Here"] + ["There"] * 4
        assert len(conflicts(client, f"{OPEN}&field=name")) == 4

    def test_named_ones_are_decided(self, client, many, engine):
        named = [one["id"] for one in conflicts(client, OPEN)[:3]]

        assert decide_many(engine, "crm", id=named)["resolved"] == 3
        assert len(conflicts(client, OPEN)) == 7
        assert not {one["id"] for one in conflicts(client, OPEN)} & set(named)

    def test_what_cannot_be_decided_so_is_listed_and_stays_open(self, client, many, engine):
        answer = resolutions.resolve_many(engine, {"field": "phone"}, Decision(Choice("value", "not a phone")))

        assert (answer["resolved"], {one["code"] for one in answer["left"]}) == (0, {"invalid"})
        assert len(conflicts(client, f"{OPEN}&field=phone")) == 5

    def test_more_than_are_read_at_once(self, client, many, engine, monkeypatch):
        monkeypatch.setattr(resolutions, "AT_ONCE", 2)

        assert decide_many(engine, "local") == {"resolved": 10, "left": []}
        assert len(conflicts(client, RESOLVED)) == 10
