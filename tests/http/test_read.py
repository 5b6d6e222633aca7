"""Reading one record: ETags, and what is no record."""

from itertools import product

from tests.support.users import LATER

NO_UUIDS = ["x", "1", "..", "../x", "%2e%2e/users", "%00", "a%00b", "%0a", "%ff", "x" * 10_000, "😀"]


def test_a_record_is_read_as_it_was_answered(client, user):
    answer = client.get(f"/users/{user['id']}")

    assert answer.json == user
    assert list(answer.json) == [
        "id", "name", "email", "phone", "sync_status", "sync_error", "crm_id", "version", "created_at", "last_updated",
    ]  # fmt: skip
    assert answer.json["last_updated"].endswith("Z")


def test_who_has_a_record_already_is_not_sent_it_again(client, user):
    tag = client.get(f"/users/{user['id']}").headers["ETag"]

    for form, method in product([tag, f"W/{tag}", f'"other", {tag}', "*"], ["GET", "HEAD"]):
        answer = client.open(f"/users/{user['id']}", method=method, headers={"If-None-Match": form})
        assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", tag)


def test_who_has_an_old_one_is_sent_the_new_one(client, user):
    tag = client.get(f"/users/{user['id']}").headers["ETag"]
    client.patch(f"/users/{user['id']}", json={"name": "Ann B."})

    answer = client.get(f"/users/{user['id']}", headers={"If-None-Match": tag})

    assert (answer.status_code, answer.json["name"]) == (200, "Ann B.")


def test_what_the_sync_says_of_a_record_changes_its_tag_too(client, worker, another):
    made = client.post("/users", json=another(), headers=LATER)
    tag = client.get(f"/users/{made.json['id']}").headers["ETag"]
    worker.push()

    answer = client.get(f"/users/{made.json['id']}", headers={"If-None-Match": tag})

    assert (answer.status_code, answer.json["sync_status"]) == (200, "synced")


def test_what_is_no_uuid_is_no_record(client):
    for method, identity in product(["GET", "PUT", "PATCH", "DELETE"], NO_UUIDS):
        body = {"name": "Ann", "email": "ann@example.com"} if method in {"PUT", "PATCH"} else None
        answer = client.open(f"/users/{identity}", method=method, json=body)

        assert (method, identity[:20], answer.status_code) == (method, identity[:20], 404)
        assert answer.mimetype == "application/problem+json"
        assert answer.json["request_id"]


def test_a_uuid_that_nobody_has_is_a_404(client):
    path = "/users/0190a1b2-0000-7000-8000-000000000000"

    for answer in (client.get(path), client.get(f"{path}/changes"), client.post(f"{path}/sync"), client.delete(path)):
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")


def test_a_uuid_in_upper_case_is_the_same_uuid(client, user):
    shouted = user["id"].upper()

    assert client.get(f"/users/{shouted}").json["id"] == user["id"]
    assert client.get(f"/users/{shouted}/changes").status_code == 200
    assert client.post(f"/users/{shouted}/sync").json["id"] == user["id"]
    assert client.patch(f"/users/{shouted}", json={"name": "B"}).json["name"] == "B"
    assert client.delete(f"/users/{shouted}").status_code == 204


def test_other_spellings_of_a_uuid_are_none(client, user):
    for spelling in (f"{{{user['id']}}}", f"urn:uuid:{user['id']}", user["id"].replace("-", "")):
        assert client.get(f"/users/{spelling}").status_code == 404
