"""Editing at a version: what was read is taken, what is gone is refused."""

from itertools import product

from tests.support.users import LATER, fields_of


def test_an_edit_of_the_version_that_was_read_is_taken(client, user, url):
    forms = ["{etag}", "W/{etag}", '"{version}"', "*", '"999", {etag}', '"nonsense", "{version}"', ' {etag} , "7"']
    for number, form in enumerate(forms):
        before = client.get(url)
        tag = form.format(etag=before.headers["ETag"], version=before.json["version"])
        answer = client.patch(url, json={"name": f"B{number}"}, headers={"If-Match": tag, **LATER})
        assert (form, answer.status_code) == (form, 200)


def test_an_edit_of_a_version_that_is_gone_is_refused(client, user, url):
    old = client.get(url).headers["ETag"]
    newer = client.patch(url, json={"name": "Somebody else's"}).json

    tags = [old, f"W/{old}", '"999"', '"999", "998"', '"nonsense"', '""', "-1", "9" * 400]
    for tag, method in product(tags, ["PUT", "PATCH", "DELETE"]):
        body = None if method == "DELETE" else fields_of(user)
        answer = client.open(url, method=method, json=body, headers={"If-Match": tag})
        assert (tag, answer.status_code, answer.json["code"]) == (tag, 412, "stale")
    assert client.get(url).json == newer


def test_that_the_crm_has_heard_of_a_record_does_not_make_an_edit_stale(client, worker, another):
    made = client.post("/users", json=another(), headers=LATER)
    worker.push()

    answer = client.patch(
        f"/users/{made.json['id']}", json={"name": "B"}, headers={"If-Match": made.headers["ETag"]}
    )  # fmt: skip

    assert answer.status_code == 200


def test_the_version_may_be_in_the_body(client, user, url):
    body = {**fields_of(user), "name": "B", "version": user["version"]}
    assert client.put(url, json=body).status_code == 200

    for method in (client.put, client.patch):
        answer = method(url, json=body)
        assert (answer.status_code, answer.json["code"]) == (412, "stale")
    assert client.patch(url, json={"name": "C", "version": user["version"] + 1}).json["name"] == "C"


def test_a_version_in_the_body_must_be_one(client, user, url):
    for version in (0, -1, "1", None, True, 1.5, []):
        answer = client.patch(url, json={"name": "B", "version": version})
        assert (answer.status_code, set(answer.json["errors"])) == (400, {"version"})
    assert client.patch(url, json={"name": "B", "version": 2**63 - 1}).status_code == 412
    assert client.get(url).json == user


def test_a_header_and_a_body_that_disagree_are_refused(client, user, url):
    answer = client.patch(url, json={"name": "B", "version": 1}, headers={"If-Match": '"2"'})
    assert (answer.status_code, answer.json["code"]) == (400, "invalid")
    assert client.get(url).json == user

    assert client.patch(url, json={"name": "B", "version": 1}, headers={"If-Match": '"2", "1"'}).status_code == 200


def test_without_a_version_the_last_writer_wins_field_by_field(client, crm, user, url):
    client.patch(url, json={"name": "First"})
    client.patch(url, json={"phone": "555-010-9999"})
    client.patch(url, json={"name": "Second"})

    assert fields_of(crm.get(user["crm_id"])) == {"name": "Second", "email": user["email"], "phone": "555-010-9999"}
