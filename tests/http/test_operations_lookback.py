"""What a record has been through: explained, undone, restored."""

import pytest

from tests.support.operations import NOBODY, disagree, problem
from tests.support.settings import ANN
from tests.support.users import LATER, changes_of, fields_of, patch, patch_later, read

IDS = [NOBODY, "none", "%00", "1", "x" * 400]


@pytest.fixture
def undo(client, url):
    return lambda change, **headers: client.post(f"{url}/changes/{change}/undo", headers=headers)


def test_a_record_is_explained(client, crm, user, url):
    conflict = disagree(client, crm, user)

    found = client.get(f"{url}/explain").json

    assert (found["record_id"], found["sync_status"]) == (user["id"], "conflict")
    assert found["summary"] == found["text"][0]
    assert found["fields"]["phone"] | {"set_at": None} == {
        "value": "222-222-2222", "set_by": "api", "set_at": None, "run_id": None, "crm": "987-654-3210",
        "synced": True, "owed": False, "held": True,
    }  # fmt: skip
    assert [one["id"] for one in found["decisions"]] == [conflict["id"]]
    assert conflict["id"] in found["advice"]


def test_a_record_that_owes_something_says_what(client, user, url):
    patch_later(client, user, name="Ann Later")

    assert client.get(f"{url}/explain").json["owed"]["fields"] == ["name"]


def test_a_deleted_record_is_explained_too(client, url):
    client.delete(url)

    found = client.get(f"{url}/explain").json

    assert "deleted" in found["summary"]
    assert "restore" in found["advice"]


def test_an_edit_is_undone_on_both_sides(client, crm, user, url, undo):
    patch(client, user, phone="222-222-2222")
    change = changes_of(client, user)[0]

    answer = undo(change["id"])

    assert (answer.status_code, fields_of(answer.json), answer.json["sync_status"]) == (200, ANN, "synced")
    assert answer.headers["ETag"] == client.get(url).headers["ETag"]
    assert crm.get(user["crm_id"])["phone"] == ANN["phone"]
    assert changes_of(client, user)[0]["by"] == "rollback"


def test_an_undo_need_not_wait_for_the_crm(client, crm, user, undo):
    patch(client, user, phone="222-222-2222")

    answer = undo(changes_of(client, user)[0]["id"], **LATER)

    assert (answer.json["phone"], answer.json["sync_status"]) == (ANN["phone"], "pending")
    assert crm.get(user["crm_id"])["phone"] == "222-222-2222"


def test_what_has_moved_on_is_not_undone(client, user, undo):
    patch(client, user, phone="222-222-2222")
    change = changes_of(client, user)[0]["id"]
    patch(client, user, phone="333-333-3333")

    assert undo(change).status_code == 412
    assert read(client, user)["phone"] == "333-333-3333"


def test_to_undo_the_creation_is_to_delete(client, crm, user, url, undo):
    answer = undo(changes_of(client, user)[-1]["id"])

    assert (answer.status_code, answer.data) == (204, b"")
    assert client.get(url).status_code == 404
    assert crm.all() == []


def test_a_change_that_is_not_there_is_a_404(client, user, another, url, undo):
    other = client.post("/users", json=another()).json
    theirs = changes_of(client, other)[0]["id"]

    for change in (theirs, 0, 2**40, 2**63, 2**64, "9" * 400, "none", "-1", "%00"):
        problem(undo(change), 404, "not_found")
    for identity in IDS:
        problem(client.post(f"/users/{identity}/changes/1/undo"), 404, "not_found")


def test_a_deleted_record_comes_back_on_both_sides(client, crm, user, url, worker):
    client.delete(url)
    assert crm.all() == []

    answer = client.post(f"{url}/restore")

    assert (answer.status_code, fields_of(answer.json), answer.json["id"]) == (200, ANN, user["id"])
    assert read(client, user)["sync_status"] == "synced"
    assert [one["email"] for one in crm.all()] == [ANN["email"]]


def test_a_restore_need_not_wait_for_the_crm(client, crm, user, url):
    client.delete(url)

    assert client.post(f"{url}/restore", headers=LATER).json["sync_status"] == "pending"
    assert crm.all() == []


def test_a_record_that_lives_is_restored_as_it_is(client, user, url):
    assert client.post(f"/api/v1{url}/restore").json == user


def test_a_record_whose_place_is_taken_stays_deleted(client, user, url):
    client.delete(url)
    client.post("/users", json=ANN)

    problem(client.post(f"{url}/restore"), 409, "taken", "email")


@pytest.mark.parametrize("identity", IDS)
def test_nobody_is_neither_explained_nor_restored(client, identity):
    problem(client.get(f"/users/{identity}/explain"), 404, "not_found")
    problem(client.post(f"/users/{identity}/restore"), 404, "not_found")
