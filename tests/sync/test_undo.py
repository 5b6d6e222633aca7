"""Undo one change of a record: provided that its fields still are as the change left them."""

import pytest

from app.core.errors import NotFound, Stale, Taken
from app.services import operations
from app.services.records import changes
from app.services.rollbacks import undo
from tests.support.decisions import assert_in_step, stored
from tests.support.drift import look
from tests.support.runs import do, new_there
from tests.support.settings import ANN
from tests.support.users import LATER, changes_of, fields_of, patch, patch_later, read

HERE, THERE = "222-222-2222", "987-654-3210"


@pytest.fixture
def take_back(engine, worker):
    """Undo the change of a record at this place, 0 being the last one, and let the CRM hear of it."""

    def take_back(user, place=0):
        with_ids = list(dict.fromkeys(one["id"] for one in all_changes(engine, user["id"])))
        record = undo(engine, engine.registry["users"], user["id"], with_ids[place])
        worker.drain()
        return record

    return take_back


def all_changes(engine, record_id):
    return changes(engine.registry["users"], record_id, 100, None)


def test_an_edit_is_undone_on_both_sides(client, crm, engine, user, take_back):
    patch(client, user, phone=HERE, name="Ann Here")
    take_back(user)

    assert fields_of(read(client, user)) == fields_of(crm.get(user["crm_id"])) == ANN
    assert [one["by"] for one in changes_of(client, user)][:2] == ["rollback", "rollback"]
    assert_in_step(engine, crm)


def test_an_edit_of_the_crm_is_undone_on_both_sides(client, crm, engine, user, take_back):
    crm.edit(user["crm_id"], phone=THERE)
    do(engine, "pull")
    take_back(user)

    assert read(client, user)["phone"] == crm.get(user["crm_id"])["phone"] == ANN["phone"]


def test_an_earlier_edit_is_undone_while_later_ones_of_other_fields_stay(client, crm, engine, user, take_back):
    patch(client, user, phone=HERE)
    patch(client, user, name="Ann Here")
    take_back(user, 1)

    assert fields_of(read(client, user)) == {**ANN, "name": "Ann Here"}
    assert_in_step(engine, crm)


def test_an_undo_can_be_undone(client, crm, engine, user, take_back):
    patch(client, user, phone=HERE)
    take_back(user)
    take_back(user)

    assert read(client, user)["phone"] == crm.get(user["crm_id"])["phone"] == HERE


def test_what_has_moved_on_is_stale_and_says_which_fields(client, crm, engine, user, take_back):
    patch(client, user, phone=HERE, name="Ann Here")
    patch(client, user, phone="333-333-3333")

    with pytest.raises(Stale, match=r"Changed since: phone\."):
        take_back(user, 1)
    assert read(client, user)["name"] == "Ann Here"


def test_a_creation_is_undone_by_a_deletion_on_both_sides(client, crm, engine, user, take_back):
    take_back(user)

    assert (client.get(f"/users/{user['id']}").status_code, crm.all()) == (404, [])


def test_a_creation_that_the_crm_has_never_heard_of(client, crm, engine, take_back):
    user = client.post("/users", json=ANN, headers=LATER).json
    take_back(user)

    assert (client.get(f"/users/{user['id']}").status_code, crm.calls()) == (404, [])


def test_a_creation_that_came_from_the_crm_is_undone_here_only(client, crm, engine, take_back):
    [there] = new_there(crm, 1)
    do(engine, "pull")
    [user] = client.get("/users").json["data"]
    take_back(user)
    do(engine, "both")

    assert client.get("/users").json["data"] == []
    assert crm.get(there["crm_id"]) is not None
    assert look(engine)["unexplained"] == 0
    take_back(user)
    assert len(client.get("/users").json["data"]) == 1
    take_back(user)
    assert (client.get("/users").json["data"], crm.get(there["crm_id"]) is not None) == ([], True)


def test_a_creation_with_edits_since_is_stale(client, crm, engine, user, take_back):
    patch(client, user, phone=HERE)

    with pytest.raises(Stale):
        take_back(user, 1)


@pytest.mark.parametrize("side", ["here", "there", "here, not pushed yet"])
def test_a_deletion_is_undone_on_both_sides(client, crm, engine, user, take_back, side):
    if side == "there":
        crm.delete(user["crm_id"])
        do(engine, "pull")
    else:
        client.delete(f"/users/{user['id']}", headers=LATER)
        if side == "here":
            do(engine, "push")
    take_back(user)

    assert fields_of(read(client, user)) == ANN
    assert_in_step(engine, crm)


def test_a_restored_record_is_deleted_again(client, crm, engine, user, take_back):
    client.delete(f"/users/{user['id']}")
    take_back(user)
    take_back(user)

    assert (client.get(f"/users/{user['id']}").status_code, crm.all()) == (404, [])


def test_a_deletion_that_was_undone_already_is_stale(client, crm, engine, user, take_back):
    client.delete(f"/users/{user['id']}")
    take_back(user)

    with pytest.raises(Stale, match="restored already"):
        take_back(user, 1)


def test_an_edit_of_a_deleted_record_is_stale(client, crm, engine, user, take_back):
    patch(client, user, phone=HERE)
    client.delete(f"/users/{user['id']}")

    with pytest.raises(Stale, match="undo that first"):
        take_back(user, 1)


def test_a_value_that_another_record_has_by_now_is_taken(client, crm, engine, user, take_back):
    patch(client, user, email="ann.new@example.com")
    client.post("/users", json=ANN)

    with pytest.raises(Taken):
        take_back(user)
    assert stored(engine, user["id"]).fields["email"] == "ann.new@example.com"


def test_a_tombstone_whose_email_is_taken_by_now(client, crm, engine, user, take_back):
    client.delete(f"/users/{user['id']}")
    client.post("/users", json=ANN)

    with pytest.raises(Taken):
        take_back(user)


def test_what_is_not_known_is_not_undone(client, crm, engine, user, another):
    users, other = engine.registry["users"], client.post("/users", json=another()).json
    theirs = all_changes(engine, other["id"])[0]["id"]

    for record_id, change in [(user["id"], 4711), (user["id"], theirs), ("nothing", theirs)]:
        with pytest.raises(NotFound):
            undo(engine, users, record_id, change)


def test_a_record_that_lives_here_only_is_undone_here_only(client, crm, engine, user, take_back):
    object.__setattr__(engine, "sync_deleted", False)
    patch(client, user, phone=HERE)
    crm.delete(user["crm_id"])
    do(engine, "pull")
    take_back(user)

    assert (read(client, user)["phone"], crm.all()) == (ANN["phone"], [])
    assert read(client, user)["sync_status"] == "synced"


def test_a_refused_edit_that_is_undone_is_in_step_again(client, crm, engine, user, take_back):
    crm.fault("status", status=422, count=1, method="PATCH")
    assert patch(client, user, phone=HERE).json["sync_status"] == "failed"
    take_back(user)

    assert (read(client, user)["sync_status"], read(client, user)["sync_error"]) == ("synced", None)
    assert_in_step(engine, crm)


def test_with_the_crm_down_the_undo_is_owed(client, crm, engine, user, worker):
    patch(client, user, phone=HERE)
    crm.fault("status", status=503, count=None)
    undo(engine, engine.registry["users"], user["id"], all_changes(engine, user["id"])[0]["id"])
    operations.push_now(engine, user["id"])
    assert read(client, user)["sync_status"] == "pending"

    crm.heal()
    worker.drain()
    assert crm.get(user["crm_id"])["phone"] == ANN["phone"]


def test_a_change_that_is_pushed_with_others_since(client, crm, engine, user, take_back):
    patch_later(client, user, phone=HERE)
    patch_later(client, user, phone=None)
    patch_later(client, user, phone=HERE)
    take_back(user)

    assert (read(client, user)["phone"], crm.get(user["crm_id"])["phone"]) == (None, None)
