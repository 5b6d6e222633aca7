"""Editing field by field: what may change, and what is refused."""

from tests.support.users import FIELDS, changes_of, fields_of


def test_put_replaces_the_whole_record(client, crm, user, url):
    answer = client.put(url, json={"name": "Ann B.", "email": "b@example.com"})

    assert answer.status_code == 200
    assert fields_of(answer.json) == {"name": "Ann B.", "email": "b@example.com", "phone": None}
    assert (answer.json["version"], answer.json["sync_status"]) == (user["version"] + 1, "synced")
    assert fields_of(crm.get(user["crm_id"])) == fields_of(answer.json)


def test_put_needs_every_required_field(client, user, url):
    answer = client.put(url, json={"phone": "123-456-7890"})

    assert (answer.status_code, set(answer.json["errors"])) == (400, {"name", "email"})
    assert client.get(url).json == user


def test_missing_null_and_empty_are_three_things(client, crm, user, url):
    assert client.patch(url, json={"name": "Ann B."}).json["phone"] == user["phone"]

    for phone in (None, "", None):
        answer = client.patch(url, json={"phone": phone})
        assert (answer.json["phone"], answer.json["name"]) == (phone, "Ann B.")
        assert fields_of(crm.get(user["crm_id"])) == fields_of(answer.json)

    assert [(one["from"], one["to"]) for one in changes_of(client, user)[:3]] == [
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
            answer = method(url, json={**fields_of(user), name: user.get(name)})
            assert (answer.status_code, set(answer.json["errors"])) == (400, {name})
    assert client.get(url).json == user


def test_a_merge_patch_is_json_too(client, url):
    answer = client.patch(url, data='{"name": "B"}', content_type="application/merge-patch+json")

    assert (answer.status_code, answer.json["name"]) == (200, "B")


def test_an_edit_that_changes_nothing_keeps_the_version_and_makes_no_call(client, crm, user, url):
    calls = len(crm.calls())

    assert client.put(url, json=fields_of(user)).json == user
    assert client.patch(url, json=fields_of(user)).json == user
    assert client.patch(url, json={}).json == user

    assert len(crm.calls()) == calls
    assert len(changes_of(client, user)) == len(FIELDS)


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
