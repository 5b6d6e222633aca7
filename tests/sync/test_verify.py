"""Verify compares both sides and says how many are in step, what is not, and why."""

import pytest

from app.crm import Unavailable
from tests.support.decisions import configure
from tests.support.drift import by_hand, look, reasons
from tests.support.runs import do, new_there, new_users
from tests.support.settings import ANN
from tests.support.users import LATER, patch_later


def test_both_sides_in_step(client, crm, engine, user, clock):
    new_there(crm, 3)
    do(engine, "pull")

    found = look(engine)

    assert (found["in_step"], found["differences"], found["unexplained"]) == (4, [], 0)
    assert found["sentence"] == f"4 records in step as of {found['at']}."
    assert found["resources"] == {"users": {"in_step": 4, "differences": 0}}
    assert (found["cost"]["calls"], found["repaired"]) == (1, None)


def test_nothing_at_all_is_in_step(engine):
    assert (look(engine)["in_step"], look(engine)["differences"]) == (0, [])


def test_what_is_owed(client, crm, engine, user):
    patch_later(client, user, phone="222-222-2222")
    [fresh] = new_users(client, 1)

    found = look(engine)

    assert [(one["reason"], one["record_id"]) for one in found["differences"]] == [
        ("owed", user["id"]),
        ("owed", fresh["id"]),
    ]
    assert found["differences"][0]["fields"] == {"phone": {"here": "222-222-2222", "crm": user["phone"]}}
    assert (found["in_step"], found["unexplained"]) == (0, 0)
    assert "2 differ for a known reason" in found["sentence"]


def test_a_deletion_that_is_owed(client, crm, engine, user):
    client.delete(f"/users/{user['id']}", headers=LATER)
    assert reasons(engine) == [("owed", user["id"])]

    do(engine, "push")
    assert reasons(engine) == []


def test_what_was_not_pulled(client, crm, engine, user):
    [there] = new_there(crm, 1)
    crm.edit(user["crm_id"], phone="987-654-3210")

    found = look(engine)

    assert {(one["reason"], one["crm_id"]) for one in found["differences"]} == {
        ("not_pulled", user["crm_id"]),
        ("not_pulled", there["crm_id"]),
    }
    do(engine, "pull")
    assert look(engine)["in_step"] == 2


def test_a_deletion_that_was_not_pulled(client, crm, engine, user, monkeypatch):
    crm.delete(user["crm_id"])
    assert reasons(engine) == [("not_pulled", user["id"])]

    with monkeypatch.context() as patched:
        patched.setattr("app.sync.deletions.decide", lambda _part: None)
        do(engine, "pull")
    assert reasons(engine) == [("not_pulled", user["id"])], "held back by a pull that was cut off"

    do(engine, "pull")
    assert reasons(engine) == []


def test_what_waits_for_a_person(client, crm, engine, user):
    configure(engine, "manual")
    crm.edit(user["crm_id"], phone="987-654-3210")
    patch_later(client, user, phone="222-222-2222")
    do(engine, "both")

    assert reasons(engine) == [("conflict", user["id"])]


def test_two_records_of_the_crm_that_claim_one_of_ours(crm, engine, user):
    twin = crm.create(name="Another Ann", email=ANN["email"])
    do(engine, "pull")

    found = look(engine)

    assert [(one["reason"], one["crm_id"]) for one in found["differences"]] == [("conflict", twin["crm_id"])]
    assert found["in_step"] == 1


def test_a_value_there_that_cannot_be_one_here(crm, engine, user):
    crm.line.client.open = spoiled(crm.line.client.open, ANN["phone"], "call me")

    found = look(engine)

    assert [(one["reason"], one["note"]) for one in found["differences"]] == [("conflict", "Not usable here: phone.")]


def spoiled(line, old, new):
    def answer(*args, **kwargs):
        given = line(*args, **kwargs)
        given.set_data(given.get_data().replace(old.encode(), new.encode()))
        return given

    return answer


@pytest.mark.parametrize("edit", ["create", "update"])
def test_what_the_crm_refused(client, crm, engine, user, edit):
    crm.fault("status", status=422, count=1, body='{"error": "validation_failed", "message": "No."}')
    record = new_users(client, 1)[0] if edit == "create" else patch_later(client, user, phone="222-222-2222").json
    do(engine, "push")

    found = look(engine)

    assert [(one["reason"], one["record_id"], one["note"]) for one in found["differences"]] == [
        ("failed", record["id"], "validation_failed: No.")
    ]
    assert found["unexplained"] == 0


class TestUnlinked:
    @pytest.fixture
    def settings(self):
        return {"SYNC_DELETED": False}

    def test_what_is_kept_on_purpose(self, client, crm, engine, user):
        crm.delete(user["crm_id"])
        do(engine, "pull")

        assert reasons(engine) == [("unlinked", user["id"])]


def test_what_a_person_has_to_approve(client, crm, engine, another):
    users = [client.post("/users", json=another()).json for _ in range(12)]
    for one in users[:11]:
        crm.delete(one["crm_id"])
    do(engine, "pull")

    found = look(engine)

    assert {one["reason"] for one in found["differences"]} == {"needs_approval"}
    assert (len(found["differences"]), found["in_step"], found["unexplained"]) == (11, 1, 0)


def test_another_form_of_a_value_is_no_difference(client, crm, engine):
    configure(engine, "local_wins")
    crm.fault("normalise")
    client.post("/users", json={**ANN, "name": " Ann Example ", "email": "ANN@example.com"})

    assert (look(engine)["in_step"], reasons(engine)) == (1, [])


def test_a_crm_without_a_feed_is_asked_for_each_record_and_the_cost_is_told(client, crm, engine, another):
    users = [client.post("/users", json=another()).json for _ in range(4)]
    patch_later(client, users[0], phone="222-222-2222")
    crm.fault("status", status=404, body="<html>no list</html>", count=None, path="/crm/users", method="GET")

    found = look(engine)

    assert (found["in_step"], found["cost"]["calls"]) == (3, 5)
    assert [(one["reason"], one["record_id"]) for one in found["differences"]] == [("owed", users[0]["id"])]


def test_a_page_that_lists_records_twice_counts_them_once(crm, engine, monkeypatch):
    monkeypatch.setattr("app.sync.feed.PAGE", 10)
    new_there(crm, 25)
    do(engine, "pull")
    crm.fault("repeat_items", count=None)
    seen = []

    found = look(engine, watch=seen.append)

    assert (found["in_step"], found["cost"]["calls"]) == (25, 3)
    assert seen == [10, 20, 25]


def test_what_cannot_be_compared_is_said_so(crm, engine, user):
    crm.fault("status", status=503, count=None)

    with pytest.raises(Unavailable):
        look(engine)


def test_verifying_writes_nothing_and_only_reads_in_the_crm(client, crm, engine, user):
    by_hand("UPDATE users SET phone = '1'")
    sent = len(crm.line.sent)
    look(engine)

    assert {one.method for one in crm.line.sent[sent:]} == {"GET"}
    assert reasons(engine) == [("unknown", user["id"])]
