"""Records: create, read, change, delete, look up."""

import pytest

from mock_crm.fields import Field, Resource
from mock_crm.kinds import Flag
from mock_crm.texts import Text


def test_a_new_record_is_stored_as_sent(crm, ann):
    answer = crm.post("/crm/users", json={**ann, "external_id": "e-1", "unknown": [1]})
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/crm/users/CRM1001"
    assert answer.headers["ETag"] == '"1"'
    record = answer.json
    stamp = record.pop("updated_at")
    assert stamp.endswith("Z")
    assert len(stamp) == len("2026-01-01T00:00:00.000Z")
    assert record == {"crm_id": "CRM1001", "external_id": "e-1", "version": 1, "deleted": False, **ann}


def test_both_addresses_show_the_same_record(crm, ann):
    place = crm.post("/api/v1/users", json=ann).headers["Location"]
    assert place == "/api/v1/users/CRM1001"
    assert crm.get(place).json == crm.get("/crm/users/CRM1001").json


def test_a_careless_crm_stores_the_same_person_twice(crm, ann):
    ids = {crm.post("/crm/users", json={**ann, "external_id": "e"}).json["crm_id"] for _ in range(2)}
    assert ids == {"CRM1001", "CRM1002"}
    found = crm.get("/crm/users?external_id=e").json
    assert ({each["crm_id"] for each in found["items"]}, found["has_more"]) == (ids, False)


@pytest.mark.parametrize(
    ("wrong", "fields"),
    [
        ({"name": " "}, {"name"}),
        ({"name": None, "email": "x"}, {"name", "email"}),
        ({"name": "x" * 201, "phone": "1" * 33}, {"name", "phone"}),
        ({"email": "x" * 250 + "@example.com", "external_id": 7}, {"email", "external_id"}),
        ({"email": "two@at@example.com"}, {"email"}),
        ({"phone": 123}, {"phone"}),
    ],
)
def test_every_wrong_field_is_named(crm, ann, users, wrong, fields):
    answer = crm.post("/crm/users", json={**ann, **wrong})
    assert (answer.status_code, answer.json["error"]) == (400, "validation_failed")
    assert set(answer.json["errors"]) == fields
    assert all(name in answer.json["message"] for name in fields)
    assert users() == []


@pytest.mark.parametrize("name", ["  spaces  ", "Zoë", "Zoe\u0308", "李小龙", "🙂", "a\r\nSet-Cookie: x", "x" * 200])
def test_a_name_comes_back_as_it_was_sent(crm, ann, users, name):
    crm.post("/crm/users", json={**ann, "name": name})
    assert crm.get("/crm/users/CRM1001").json["name"] == name
    assert users()[0]["name"] == name


def test_a_patch_changes_what_it_names(crm, ann):
    crm.post("/crm/users", json=ann)
    answer = crm.patch("/crm/users/CRM1001", json={"phone": None})
    assert (answer.json["phone"], answer.json["name"], answer.json["version"]) == (None, ann["name"], 2)
    assert answer.headers["ETag"] == '"2"'


def test_a_put_replaces_and_needs_every_required_field(crm, ann):
    crm.post("/crm/users", json=ann)
    assert crm.put("/crm/users/CRM1001", json={"name": "New"}).status_code == 400
    answer = crm.put("/crm/users/CRM1001", json={"name": "New", "email": ann["email"]})
    assert (answer.json["name"], answer.json["phone"]) == ("New", None)


def test_a_write_that_changes_nothing_keeps_the_version(crm, ann):
    first = crm.post("/crm/users", json=ann).json
    assert crm.patch("/crm/users/CRM1001", json=ann).json == first
    assert crm.put("/crm/users/CRM1001", json=ann).json == first


def test_a_stale_write_is_refused_with_the_version_there_is(crm, ann):
    crm.post("/crm/users", json=ann)
    assert crm.patch("/crm/users/CRM1001", json={"name": "B"}, headers={"If-Match": '"1"'}).status_code == 200
    for answer in (
        crm.patch("/crm/users/CRM1001", json={"name": "C"}, headers={"If-Match": '"1"'}),
        crm.put("/crm/users/CRM1001", json=ann, headers={"If-Match": '"7"'}),
        crm.delete("/crm/users/CRM1001", headers={"If-Match": '"1"'}),
    ):
        assert (answer.status_code, answer.json["error"], answer.json["version"]) == (412, "version_mismatch", 2)
    assert crm.delete("/crm/users/CRM1001", headers={"If-Match": "*"}).status_code == 204


def test_what_has_not_changed_is_not_sent_again(crm, ann):
    crm.post("/crm/users", json=ann)
    answer = crm.get("/crm/users/CRM1001")
    assert crm.get("/crm/users/CRM1001", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    assert crm.get("/crm/users/CRM1001", headers={"If-None-Match": '"9"'}).status_code == 200


def test_a_deleted_record_is_a_tombstone_that_stays(crm, ann, users):
    crm.post("/crm/users", json={**ann, "external_id": "e"})
    assert crm.delete("/crm/users/CRM1001").status_code == 204
    assert crm.delete("/crm/users/CRM1001").json["error"] == "not_found"
    assert crm.get("/crm/users/CRM1001").status_code == 404
    assert crm.patch("/crm/users/CRM1001", json={"name": "B"}).status_code == 404
    assert crm.get("/crm/users?external_id=e").json["items"] == []
    assert [(each["version"], each["deleted"]) for each in users()] == [(2, True)]
    assert crm.post("/crm/users", json=ann).json["crm_id"] == "CRM1002"


@pytest.mark.parametrize(
    "crm_id", ["CRM1", "CRM01001", "crm1001", "1001", "CRM1001'", "CRM" + "9" * 40, "%00", "..%2f"]
)
def test_an_unknown_id_is_not_found(crm, ann, crm_id):
    crm.post("/crm/users", json=ann)
    assert crm.get(f"/crm/users/{crm_id}").status_code == 404


def test_a_record_can_be_linked_later(crm, ann):
    crm.post("/crm/users", json=ann)
    answer = crm.patch("/crm/users/CRM1001", json={"external_id": "mine"})
    assert (answer.json["external_id"], answer.json["version"]) == ("mine", 2)
    assert crm.put("/crm/users/CRM1001", json=ann).json["external_id"] == "mine"


def test_records_outlive_a_restart(start, crm, ann, auth):
    first = crm.post("/crm/users", json=ann).json
    assert start().test_client().get("/crm/users/CRM1001", headers=auth).json == first


def test_the_request_id_comes_back(crm):
    assert crm.get("/crm/users", headers={"X-Request-Id": "r-1"}).headers["X-Request-Id"] == "r-1"
    assert crm.get("/nowhere", headers={"X-Request-Id": "r-2"}).headers["X-Request-Id"] == "r-2"


def test_another_resource_is_one_declaration():
    deals = Resource("deals", Field("subject", Text(9), required=True), Field("won", Flag(), default=False))
    draft = deals.draft({"subject": "Ten desks"})
    assert (draft.values, draft.errors) == ({"subject": "Ten desks", "won": False}, {})
    assert set(deals.draft({"subject": "Eleven desks", "won": "no"}).errors) == {"subject", "won"}
