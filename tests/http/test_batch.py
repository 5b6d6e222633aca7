"""Many users in one request: each is answered by itself, or all are stored or none."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BAD = {
    "no e-mail": ({"name": "A"}, {"email"}),
    "everything wrong": (
        {"name": " ", "email": "no", "phone": "x", "colour": "red"},
        {"name", "email", "phone", "colour"},
    ),
    "an id, which is ours to give": ({"name": "A", "email": "a@example.com", "id": "1"}, {"id"}),
    "a number": (7, set()),
    "null": (None, set()),
    "a list": ([], set()),
    "a number for a string": ({"name": 1, "email": "a@example.com"}, {"name"}),
}


@pytest.fixture
def post(client):
    return lambda items, **more: client.post("/users/batch", json={"items": items, **more})


def _statuses(answer):
    return [one["status"] for one in answer.json["results"]]


def _total(client):
    return client.get("/users").json["pagination"]["total"]


def test_every_record_is_answered_as_it_is_read(client, post, another):
    items = [another() for _ in range(3)]

    answer = post(items)

    assert answer.status_code == 200
    assert {name: answer.json[name] for name in ("success", "created", "failed")} == {
        "success": True,
        "created": 3,
        "failed": 0,
    }
    for item, result in zip(items, answer.json["results"], strict=True):
        record = result["record"]
        assert result["status"] == 201
        assert {name: record[name] for name in item} == item
        assert client.get(f"/users/{record['id']}").json == record


def test_nothing_is_pushed_before_the_answer_and_everything_after_it(client, crm, worker, post, another):
    answer = post([another(), another()])

    assert {one["record"]["sync_status"] for one in answer.json["results"]} == {"pending"}
    assert not crm.all()
    worker.push()
    assert {one["external_id"] for one in crm.all()} == {one["record"]["id"] for one in answer.json["results"]}
    assert {one["sync_status"] for one in client.get("/users").json["data"]} == {"synced"}


def test_the_journal_has_every_record(client, post, another):
    item = another()
    record = post([item, another()]).json["results"][0]["record"]

    entries = client.get(f"/users/{record['id']}/changes").json["data"]
    assert {(one["by"], one["field"], one["from"], one["to"]) for one in entries} == {
        ("api", name, None, value) for name, value in item.items()
    }


@pytest.mark.parametrize(("item", "named"), BAD.values(), ids=BAD)
def test_a_bad_item_is_explained_and_holds_nobody_up(client, post, another, item, named):
    answer = post([another(), item, another()])

    assert (answer.status_code, answer.json["success"]) == (200, False)
    assert (answer.json["created"], answer.json["failed"], _statuses(answer)) == (2, 1, [201, 400, 201])
    bad = answer.json["results"][1]
    assert set(bad) == {"status", "code", "detail", "errors"}
    assert (bad["code"], set(bad["errors"])) == ("invalid", named)
    assert bad["detail"]
    assert _total(client) == 2


def test_an_email_of_another_user_is_taken_in_any_letter_case(client, post, another, user):
    answer = post([another(email=user["email"].upper()), another()])

    assert _statuses(answer) == [409, 201]
    assert answer.json["results"][0]["code"] == "taken"
    assert set(answer.json["results"][0]["errors"]) == {"email"}


def test_the_email_of_a_deleted_user_is_free_again(client, post, another, user):
    client.delete(f"/users/{user['id']}")

    assert _statuses(post([another(email=user["email"])])) == [201]


def test_of_one_email_twice_the_first_wins(client, post, another):
    first, second = another(email="one@example.com"), another(email="One@Example.com")

    answer = post([first, another(), second])

    assert _statuses(answer) == [201, 201, 409]
    assert "earlier" in answer.json["results"][2]["detail"]
    assert client.get("/users?email=one@example.com").json["data"][0]["name"] == first["name"]


def test_an_item_that_is_not_stored_takes_no_email(post, another):
    answer = post([another(email="one@example.com", phone="x"), another(email="one@example.com")])

    assert _statuses(answer) == [400, 201]


def test_nothing_good_is_an_answer_too(client, post, user, another):
    answer = post([another(email=user["email"]), {}])

    assert (answer.status_code, answer.json["success"], answer.json["created"]) == (200, False, 0)
    assert _statuses(answer) == [409, 400]


class TestAllOrNothing:
    def test_all_good_is_all_stored(self, client, post, another):
        answer = post([another(), another()], atomic=True)

        assert (answer.status_code, answer.json["created"], _statuses(answer)) == (200, 2, [201, 201])
        assert _total(client) == 2

    def test_one_bad_is_nothing_stored_and_every_bad_one_named(self, client, post, another, user):
        taken, twice = another(email=user["email"]), another()

        answer = post([another(), {"name": "A", "email": "no"}, taken, twice, twice, 7], atomic=True)

        assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
        assert set(answer.json["errors"]) == {"items[1].email", "items[2].email", "items[4].email", "items[5]"}
        assert "4 of 6" in answer.json["error"]
        assert _total(client) == 1

    def test_what_is_only_taken_is_a_conflict(self, client, post, another, user):
        twice = another()

        answer = post([twice, another(email=user["email"]), twice], atomic=True)

        assert (answer.status_code, answer.json["code"]) == (409, "taken")
        assert set(answer.json["errors"]) == {"items[1].email", "items[2].email"}
        assert _total(client) == 1

    def test_nothing_is_owed_for_what_was_not_stored(self, crm, worker, post, another):
        post([another(), {}], atomic=True)

        assert worker.push() == 0
        assert not crm.all()


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ([], set()), (None, set()), ("items", set()), ({}, {"items"}), ({"items": []}, {"items"}),
        ({"items": {}}, {"items"}), ({"items": None}, {"items"}), ({"items": "ab"}, {"items"}),
        ({"items": [{}], "atomic": 1}, {"atomic"}), ({"items": [{}], "atomic": None}, {"atomic"}),
        ({"items": [{}], "update": True}, {"update"}), ({"users": [{}], "atomic": "no"}, {"items", "users", "atomic"}),
        ({"items": [{}] * 1001}, {"items"}),
    ],
)  # fmt: skip
def test_a_body_that_is_no_batch_is_refused(client, body, named):
    answer = client.post("/users/batch", data=json.dumps(body), content_type="application/json")

    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")
    assert set(answer.json["errors"]) == named


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text()
    | st.sampled_from(["a@example.com"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "email", "phone", "id", "x"]) | st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=st.lists(json_values, min_size=1, max_size=4), atomic=json_values | st.booleans())
def test_nothing_that_strangers_send_is_an_error_of_ours(client, items, atomic):
    body = json.dumps({"items": items, "atomic": atomic})

    answer = client.post("/users/batch", data=body, content_type="application/json")

    assert answer.status_code in {200, 400, 409}
    if answer.status_code == 200:
        assert len(answer.json["results"]) == len(items)


def test_a_thousand_users_fit(client, post, another):
    answer = post([another() for _ in range(1000)])

    assert (answer.status_code, answer.json["created"]) == (200, 1000)
    assert _total(client) == 1000


def test_a_body_over_a_megabyte_does_not(client, post):
    assert post([{"name": "x" * (1024 * 1024)}]).status_code == 413


def test_a_batch_is_json(client):
    assert client.post("/users/batch", data="items=1").status_code == 415


def test_both_addresses_are_the_same_api(client, another):
    answer = client.post("/api/v1/users/batch", json={"items": [another()]})

    assert answer.json["created"] == 1


def test_a_batch_is_no_user(client):
    assert client.get("/users/batch").status_code == 405
    assert client.delete("/users/batch").status_code == 405
