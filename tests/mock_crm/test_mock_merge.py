"""Merges: CRM staff make one record of two, and everybody who asks for the other one is told where it went."""

import sqlite3

import pytest

HERE = {"Origin": "http://localhost"}


@pytest.fixture
def two(crm, ann):
    """CRM1001, which has no phone, and CRM1002, which has one."""
    for number, phone in ((1, None), (2, "555")):
        crm.post("/crm/users", json={**ann, "name": f"Ann {number}", "phone": phone, "external_id": f"e-{number}"})
    return crm


def merge(crm, winner="CRM1001", loser="CRM1002", **more):
    return crm.post(f"/crm/users/{winner}/merge", json={"crm_id": loser}, **more)


def test_what_is_empty_in_the_winner_is_filled_from_the_other(two, ann):
    answer = merge(two)
    winner = two.get("/crm/users/CRM1001").json
    assert (answer.status_code, answer.json, answer.headers["ETag"]) == (200, winner, '"2"')
    assert (winner["name"], winner["phone"], winner["version"]) == ("Ann 1", "555", 2)
    assert (winner["external_id"], "merged_into" in winner) == ("e-1", False)


def test_a_winner_that_lacks_nothing_stays_as_it_was(two):
    before = two.get("/crm/users/CRM1002").json
    assert merge(two, "CRM1002", "CRM1001").json == before == two.get("/crm/users/CRM1002").json


def test_an_empty_text_is_a_value_and_is_not_filled(crm, ann):
    for phone in ("", "555"):
        crm.post("/crm/users", json={**ann, "phone": phone})
    assert (merge(crm).json["phone"], merge(crm).status_code) == ("", 409)


def test_the_other_one_is_a_tombstone_that_names_the_winner(two, users):
    merge(two)
    loser, winner = users()
    assert (loser["crm_id"], loser["deleted"], loser["version"], loser["merged_into"]) == (
        "CRM1002",
        True,
        2,
        "CRM1001",
    )
    assert (winner["crm_id"], winner["deleted"], winner["version"], "merged_into" in winner) == (
        "CRM1001",
        False,
        2,
        False,
    )
    assert loser["updated_at"] == winner["updated_at"]
    assert two.get("/crm/users?external_id=e-2").json["items"] == []


def test_whoever_asks_for_it_is_told_where_it_went(two):
    merge(two)
    for answer in (
        two.get("/crm/users/CRM1002"),
        two.patch("/crm/users/CRM1002", json={"name": "B"}),
        two.put("/crm/users/CRM1002", json={"name": "B", "email": "b@example.com"}),
        two.delete("/crm/users/CRM1002"),
    ):
        assert (answer.status_code, answer.json["error"], answer.json["merged_into"]) == (404, "not_found", "CRM1001")
    (item,) = two.post("/crm/users/batch", json={"items": [{"crm_id": "CRM1002", "name": "B"}]}).json["results"]
    assert (item["status"], item["crm_id"], item["merged_into"]) == (404, "CRM1002", "CRM1001")


def test_a_record_that_was_only_deleted_went_nowhere(two):
    two.delete("/crm/users/CRM1002")
    assert "merged_into" not in two.get("/crm/users/CRM1002").json


def test_the_webhooks_tell_of_both(two, subscribed):
    merge(two)
    gone, changed = sorted(subscribed.wait_for(2), key=lambda body: body["event"])
    assert (gone["event"], gone["crm_id"], gone["merged_into"], gone["version"]) == ("deleted", "CRM1002", "CRM1001", 2)
    assert (gone["updated_fields"], gone["external_id"]) == ({}, "e-2")
    assert (changed["event"], changed["crm_id"], changed["updated_fields"]) == ("updated", "CRM1001", {"phone": "555"})
    assert "merged_into" not in changed


def test_a_winner_that_did_not_change_is_not_told_of(two, subscribed):
    merge(two, "CRM1002", "CRM1001")
    two.patch("/crm/users/CRM1002", json={"name": "Later"})
    assert {(each["crm_id"], each["event"]) for each in subscribed.wait_for(2)} == {
        ("CRM1001", "deleted"),
        ("CRM1002", "updated"),
    }


def test_a_winner_can_lose_to_a_third(two, ann, users):
    two.post("/crm/users", json=ann)
    merge(two)
    assert merge(two, "CRM1003", "CRM1001").status_code == 200
    assert {each["crm_id"]: each.get("merged_into") for each in users()} == {
        "CRM1002": "CRM1001",
        "CRM1001": "CRM1003",
        "CRM1003": None,
    }


@pytest.mark.parametrize(
    ("winner", "body", "status", "error"),
    [
        ("CRM1001", {"crm_id": "CRM1001"}, 400, "validation_failed"),
        ("CRM1001", {}, 400, "validation_failed"),
        ("CRM1001", {"crm_id": 1002}, 400, "validation_failed"),
        ("CRM1001", {"crm_id": "CRM9"}, 404, "not_found"),
        ("CRM9", {"crm_id": "CRM1001"}, 404, "not_found"),
        ("CRM1001", {"crm_id": "CRM1003"}, 409, "deleted"),
        ("CRM1003", {"crm_id": "CRM1001"}, 409, "deleted"),
    ],
)
def test_what_cannot_be_merged_is_refused_and_nothing_changes(two, ann, users, *, winner, body, status, error):
    two.post("/crm/users", json=ann)
    two.delete("/crm/users/CRM1003")
    before = users()
    answer = two.post(f"/crm/users/{winner}/merge", json=body)
    assert (answer.status_code, answer.json["error"], bool(answer.json["message"])) == (status, error, True)
    assert users() == before


def test_a_merge_of_what_has_moved_on_is_refused(two, users):
    assert merge(two, headers={"If-Match": '"7"'}).status_code == 412
    assert [each["deleted"] for each in users()] == [False, False]
    assert merge(two, headers={"If-Match": '"1"'}).status_code == 200


def test_a_merge_needs_a_sign_in_and_is_counted_by_its_kind(mock_client, ann, auth):
    assert mock_client.post("/crm/users/CRM1/merge", json={}).status_code == 401
    assert mock_client.get("/crm/_stats").json["calls"] == {"POST users/<id>/merge": 1}


def test_a_file_from_before_there_were_merges_is_opened(start, tmp_path, ann, auth):
    first = start()
    first.test_client().post("/crm/users", json=ann, headers=auth)
    first.extensions["mock_crm"].stop()
    with sqlite3.connect(tmp_path / "crm.db") as db:
        db.execute("ALTER TABLE records DROP COLUMN merged_into")
    db.close()

    crm = start().test_client()
    crm.post("/crm/users", json=ann, headers=auth)
    assert merge(crm, headers=auth).status_code == 200
    assert [each.get("merged_into") for each in crm.get("/crm/users", headers=auth).json["items"]] == [None, "CRM1001"]


def test_staff_merge_on_the_page(two):
    form = two.get("/records/users/CRM1001").text
    assert 'action="/records/users/CRM1001/merge"' in form
    answer = two.post("/records/users/CRM1001/merge", data={"crm_id": " CRM1002 ", "version": "1"}, headers=HERE)
    assert answer.status_code == 303
    assert "CRM1002 was merged into CRM1001." in two.get(answer.headers["Location"]).text
    assert two.get("/crm/users/CRM1001").json["phone"] == "555"
    loser = two.get("/records/users/CRM1002").text
    assert 'merged into <a href="/records/users/CRM1001">CRM1001</a>' in loser
    assert "/merge" not in loser


@pytest.mark.parametrize(
    ("loser", "version", "status", "shown"),
    [
        ("CRM9", "1", 404, "There is no record CRM9."),
        ("<b>", "1", 404, "There is no record &lt;b&gt;."),
        ("CRM1001", "1", 400, "A record cannot be merged with itself."),
        ("CRM1002", "7", 412, "Somebody changed this record meanwhile."),
    ],
)
def test_the_page_says_why_it_does_not_merge(two, users, *, loser, version, status, shown):
    data = {"crm_id": loser, "version": version}
    answer = two.post("/records/users/CRM1001/merge", data=data, headers=HERE)
    assert (answer.status_code, shown in answer.text) == (status, True)
    assert two.post("/records/users/CRM1001/merge", data=data).status_code == 403
    assert [each["deleted"] for each in users()] == [False, False]
