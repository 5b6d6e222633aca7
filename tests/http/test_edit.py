"""Editing and deleting: field by field, at a version when asked, and the CRM has it afterwards."""

from itertools import product

import pytest

FIELDS = ("name", "email", "phone")
LATER = {"Prefer": "respond-async"}


def _fields(record):
    return {name: record[name] for name in FIELDS}


def _changes(client, user):
    return client.get(f"/users/{user['id']}/changes").json["data"]


@pytest.fixture
def url(user):
    return f"/users/{user['id']}"


# ── what is changed ──────────────────────────────────────────────────────────────────────────────────────────────


def test_put_replaces_the_whole_record(client, crm, user, url):
    answer = client.put(url, json={"name": "Ann B.", "email": "b@example.com"})

    assert answer.status_code == 200
    assert _fields(answer.json) == {"name": "Ann B.", "email": "b@example.com", "phone": None}
    assert (answer.json["version"], answer.json["sync_status"]) == (user["version"] + 1, "synced")
    assert _fields(crm.get(user["crm_id"])) == _fields(answer.json)


def test_put_needs_every_required_field(client, user, url):
    answer = client.put(url, json={"phone": "123-456-7890"})

    assert (answer.status_code, set(answer.json["errors"])) == (400, {"name", "email"})
    assert client.get(url).json == user


def test_missing_null_and_empty_are_three_things(client, crm, user, url):
    assert client.patch(url, json={"name": "Ann B."}).json["phone"] == user["phone"]

    for phone in (None, "", None):
        answer = client.patch(url, json={"phone": phone})
        assert (answer.json["phone"], answer.json["name"]) == (phone, "Ann B.")
        assert _fields(crm.get(user["crm_id"])) == _fields(answer.json)

    assert [(one["from"], one["to"]) for one in _changes(client, user)[:3]] == [
        ("", None), (None, ""), ("123-456-7890", None),
    ]  # fmt: skip


def test_a_required_field_cannot_be_taken_away(client, user, url):
    for body in ({"name": None}, {"email": None}, {"email": ""}, {"name": ""}):
        answer = client.patch(url, json=body)
        assert (answer.status_code, set(answer.json["errors"])) == (400, set(body))
    assert client.get(url).json == user


def test_what_the_service_sets_cannot_be_set(client, user, url):
    for name in ("id", "crm_id", "sync_status", "sync_error", "created_at", "last_updated", "deleted_at", "x"):
        for method in (client.patch, client.put):
            answer = method(url, json={**_fields(user), name: user.get(name)})
            assert (answer.status_code, set(answer.json["errors"])) == (400, {name})
    assert client.get(url).json == user


def test_a_merge_patch_is_json_too(client, url):
    answer = client.patch(url, data='{"name": "B"}', content_type="application/merge-patch+json")

    assert (answer.status_code, answer.json["name"]) == (200, "B")


def test_an_edit_that_changes_nothing_keeps_the_version_and_makes_no_call(client, crm, user, url):
    calls = len(crm.calls())

    assert client.put(url, json=_fields(user)).json == user
    assert client.patch(url, json=_fields(user)).json == user
    assert client.patch(url, json={}).json == user

    assert len(crm.calls()) == calls
    assert len(_changes(client, user)) == len(FIELDS)


def test_only_what_changed_is_sent(client, crm, url):
    client.patch(url, json={"name": "Ann B.", "email": "ann@example.com"})

    assert crm.calls("PATCH")[-1].body == b'{"name": "Ann B."}'


def test_an_email_can_change_its_letter_case(client, crm, user, url):
    assert client.patch(url, json={"email": "Ann@Example.com"}).json["email"] == "Ann@Example.com"
    assert crm.get(user["crm_id"])["email"] == "Ann@Example.com"


def test_a_taken_email_is_refused_and_nothing_changes(client, user, url, another):
    client.post("/users", json=another(email="taken@example.com"))

    for email in ("taken@example.com", "TAKEN@Example.com"):
        answer = client.patch(url, json={"email": email, "name": "Other"})
        assert (answer.status_code, answer.json["code"], set(answer.json["errors"])) == (409, "taken", {"email"})
    assert client.get(url).json == user


# ── versions ─────────────────────────────────────────────────────────────────────────────────────────────────────


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
        body = None if method == "DELETE" else _fields(user)
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
    body = {**_fields(user), "name": "B", "version": user["version"]}
    assert client.put(url, json=body).status_code == 200

    for method in (client.put, client.patch):
        answer = method(url, json=body)
        assert (answer.status_code, answer.json["code"]) == (412, "stale")
    assert client.patch(url, json={"name": "C", "version": user["version"] + 1}).json["name"] == "C"


def test_a_version_in_the_body_must_be_one(client, user, url):
    for version in (0, -1, "1", None, True, 1.0, []):
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

    assert _fields(crm.get(user["crm_id"])) == {"name": "Second", "email": user["email"], "phone": "555-010-9999"}


# ── deleting ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deleted_record_is_gone_here_and_there(client, crm, user, url):
    answer = client.delete(url)

    assert (answer.status_code, answer.data) == (204, b"")
    assert crm.get(user["crm_id"]) is None
    for method, body in [("GET", None), ("DELETE", None), ("PATCH", {"name": "B"}), ("PUT", _fields(user))]:
        assert client.open(url, method=method, json=body).status_code == 404
    assert client.post(f"{url}/sync").status_code == 404
    assert _changes(client, user)[0]["field"] == "deleted"


def test_a_record_is_deleted_at_the_version_that_was_read(client, url):
    tag = client.get(url).headers["ETag"]

    assert client.delete(url, headers={"If-Match": tag}).status_code == 204


def test_a_record_that_the_crm_never_heard_of_is_deleted_without_a_call(client, crm, worker, another):
    made = client.post("/users", json=another(), headers=LATER).json

    assert client.delete(f"/users/{made['id']}", headers=LATER).status_code == 204
    worker.drain()

    assert not crm.calls()


def test_an_email_given_free_can_be_taken_by_an_edit(client, user, url, another):
    other = client.post("/users", json=another()).json
    client.delete(url)

    assert client.patch(f"/users/{other['id']}", json={"email": user["email"]}).status_code == 200


# ── what the CRM hears ───────────────────────────────────────────────────────────────────────────────────────────


def test_quick_edits_become_one_push_of_what_is_owed(client, crm, worker, user, url):
    for number in range(5):
        client.patch(url, json={"name": f"Ann {number}"}, headers=LATER)
    client.patch(url, json={"phone": None}, headers=LATER)
    worker.drain()

    assert len(crm.calls("PATCH")) == 1
    assert _fields(crm.get(user["crm_id"])) == {"name": "Ann 4", "email": user["email"], "phone": None}
    assert client.get(url).json["sync_status"] == "synced"


def test_an_edit_and_back_again_owes_nothing(client, crm, worker, user, url):
    client.patch(url, json={"name": "Other"}, headers=LATER)

    answer = client.patch(url, json={"name": user["name"]}, headers=LATER)

    assert answer.json["sync_status"] == "synced"
    worker.drain()
    assert not crm.calls("PATCH")


@pytest.mark.parametrize("versions", [True, False], ids=["versions", "timestamps"])
def test_the_late_echo_of_an_older_push_flips_nothing_back(client, crm, worker, user, url, webhook, versions):
    echoes = []
    for name in ("One", "Two", "Three"):
        client.patch(url, json={"name": name})
        there = crm.get(user["crm_id"])
        stamp = {"version": there["version"]} if versions else {}
        echoes.append({"timestamp": there["updated_at"], **stamp, "fields": {"name": name}})
    after, calls = client.get(url).json, len(crm.calls())

    outcomes = [webhook(user["crm_id"], **echo).json["outcome"] for echo in reversed(echoes)]
    worker.drain()

    assert outcomes == ["unchanged", "stale", "stale"]
    assert client.get(url).json == after
    assert crm.get(user["crm_id"])["name"] == "Three"
    assert len(crm.calls()) == calls


def test_an_echo_that_arrives_before_the_next_push_flips_nothing_back(client, crm, worker, user, url, webhook):
    client.patch(url, json={"name": "One"})
    there = crm.get(user["crm_id"])
    client.patch(url, json={"name": "Two"}, headers=LATER)

    webhook(user["crm_id"], {"name": "One"}, version=there["version"], timestamp=there["updated_at"])
    worker.drain()

    assert client.get(url).json["name"] == crm.get(user["crm_id"])["name"] == "Two"
    assert client.get("/sync/conflicts").json["data"] == []


# ── the journal, and a record by itself ──────────────────────────────────────────────────────────────────────────


def test_the_journal_says_who_changed_what_from_what_to_what(client, crm, worker, user, url, webhook):
    client.patch(url, json={"name": "Ann B.", "phone": None})
    webhook(user["crm_id"], {"phone": "555-010-9999"}, version=3)
    found = _changes(client, user)

    assert [(one["by"], one["field"], one["from"], one["to"]) for one in found] == [
        ("webhook", "phone", None, "555-010-9999"),
        ("api", "name", "Ann Example", "Ann B."),
        ("api", "phone", "123-456-7890", None),
        ("api", "email", None, "ann@example.com"),
        ("api", "name", None, "Ann Example"),
        ("api", "phone", None, "123-456-7890"),
    ]
    assert [one["version"] for one in found] == [3, 2, 2, 1, 1, 1]
    assert found[0]["at"] == client.get(url).json["last_updated"]


def test_the_journal_is_read_in_parts(client, user, url):
    client.patch(url, json={"name": "B"})
    client.patch(url, json={"name": "C"})

    newest = client.get(f"{url}/changes?limit=1").json["data"]
    older = client.get(f"{url}/changes?before={newest[-1]['id']}").json["data"]

    assert newest[0]["to"] == "C"
    assert older[0]["to"] == "B"
    for query in ("limit=0", "limit=1001", "before=x", "before=0", "page=1"):
        assert client.get(f"{url}/changes?{query}").status_code == 400


def test_syncing_one_record_pushes_and_pulls_it(client, crm, user, url):
    client.patch(url, json={"name": "Ann B."}, headers=LATER)
    crm.edit(user["crm_id"], phone="555-010-9999")

    answer = client.post(f"{url}/sync")

    assert (answer.status_code, answer.json["sync_status"]) == (200, "synced")
    assert (answer.json["name"], answer.json["phone"]) == ("Ann B.", "555-010-9999")
    assert _fields(crm.get(user["crm_id"])) == _fields(answer.json)


def test_syncing_a_record_that_was_deleted_there_finds_it_gone(client, crm, user, url):
    crm.delete(user["crm_id"])

    assert client.post(f"{url}/sync").status_code == 404


def test_syncing_while_the_crm_is_down_says_so_on_the_record(client, crm, user, url):
    client.patch(url, json={"name": "Ann B."}, headers=LATER)
    crm.fault("status", status=503, count=1000)

    answer = client.post(f"{url}/sync")

    assert (answer.status_code, answer.json["sync_status"]) == (200, "pending")
    assert answer.json["sync_error"]
