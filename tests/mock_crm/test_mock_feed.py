"""The change feed and the batch that fills it."""

import pytest


def batch(crm, items):
    answer = crm.post("/crm/users/batch", json={"items": items})
    assert answer.status_code == 200
    return answer.json["results"]


def person(number, **more):
    return {"name": f"Person {number}", "email": f"p{number}@example.com", **more}


def test_every_change_is_read_once_though_all_have_one_time(start, clock, auth):
    crm = start(CLOCK=clock).test_client()
    crm.environ_base["HTTP_X_API_KEY"] = auth["X-API-Key"]
    for first in range(0, 2500, 500):
        batch(crm, [person(number) for number in range(first, first + 500)])
    seen, cursor, more = [], "", True
    while more:
        page = crm.get(f"/crm/users?limit=1000&updated_since={cursor}").json
        seen += page["items"]
        cursor, more = page["next_cursor"], page["has_more"]
    assert {each["updated_at"] for each in seen} == {seen[0]["updated_at"]}
    assert [each["name"] for each in seen] == [f"Person {number}" for number in range(2500)]


def test_a_read_feed_is_empty_until_something_changes(crm, ann):
    crm.post("/crm/users", json=ann)
    cursor = crm.get("/crm/users").json["next_cursor"]
    assert crm.get(f"/crm/users?updated_since={cursor}").json == {"items": [], "next_cursor": cursor, "has_more": False}
    crm.patch("/crm/users/CRM1001", json={"phone": "1"})
    page = crm.get(f"/crm/users?updated_since={cursor}").json
    assert [(each["crm_id"], each["version"]) for each in page["items"]] == [("CRM1001", 2)]
    assert page["next_cursor"] != cursor


def test_an_empty_feed_has_a_cursor_too(crm):
    page = crm.get("/crm/users").json
    assert (page["items"], page["has_more"], bool(page["next_cursor"])) == ([], False, True)


def test_a_record_moves_to_the_end_of_the_feed_when_it_changes(crm, users):
    batch(crm, [person(1), person(2), person(3)])
    crm.patch("/crm/users/CRM1001", json={"phone": "1"})
    crm.delete("/crm/users/CRM1002")
    assert [(each["crm_id"], each["deleted"]) for each in users()] == [
        ("CRM1003", False),
        ("CRM1001", False),
        ("CRM1002", True),
    ]


def test_the_feed_can_begin_at_a_time(start, clock, ann, auth):
    crm = start(CLOCK=clock).test_client()
    for _ in range(3):
        stamp = crm.post("/crm/users", json=ann, headers=auth).json["updated_at"]
        clock.now += 10
    assert [each["crm_id"] for each in since(crm, auth, stamp)] == ["CRM1003"]
    assert [each["crm_id"] for each in since(crm, auth, stamp.replace("Z", "+00:00"))] == ["CRM1003"]
    assert len(since(crm, auth, "2020-01-01T00:00:00Z")) == 3
    assert since(crm, auth, "2050-01-01T00:00:00Z") == []


def since(crm, auth, stamp):
    return crm.get(f"/crm/users?updated_since={stamp}", headers=auth).json["items"]


def test_pages_are_as_long_as_asked(crm):
    batch(crm, [person(number) for number in range(150)])
    assert len(crm.get("/crm/users").json["items"]) == 100
    assert len(crm.get("/crm/users?limit=7").json["items"]) == 7


@pytest.mark.parametrize(
    "query",
    [
        *(f"limit={limit}" for limit in ("0", "1001", "-1", "x", "1.5", "", "9" * 5000)),
        *(
            f"updated_since={cursor}"
            for cursor in ("x", "%00", "🙂", "YWZ0ZXI6OTk5", "2026-01-01T00:00:00", "2026-13-01T00Z")
        ),
        "updated_since=0001-01-01T00:00:00%2B23:59",
    ],
)
def test_a_bad_cursor_or_limit_is_refused(crm, query):
    answer = crm.get(f"/crm/users?{query}")
    assert (answer.status_code, "error" in answer.json) == (400, True)


def test_a_batch_creates_and_updates_in_order(crm, users):
    crm.post("/crm/users", json=person(1, external_id="one"))
    results = batch(
        crm,
        [
            person(2, external_id="two"),
            {"external_id": "one", "phone": "11"},
            {"crm_id": "CRM1001", "phone": "12", "if_version": 2},
            {"external_id": "two", "phone": "22"},
        ],
    )
    assert [(each["status"], each["crm_id"], each["version"]) for each in results] == [
        (201, "CRM1002", 1),
        (200, "CRM1001", 2),
        (200, "CRM1001", 3),
        (200, "CRM1002", 2),
    ]
    assert [each["phone"] for each in users()] == ["12", "22"]


def test_bad_items_do_not_hold_up_good_ones(crm, users):
    bad = [
        ({"name": "x"}, 400),
        (7, 400),
        ({"crm_id": 5}, 400),
        ({"crm_id": "CRM1", "if_version": "1"}, 400),
        ({"crm_id": "CRM7", "name": "x"}, 404),
        ({"crm_id": "CRM1001", "name": "x", "if_version": 9}, 412),
    ]
    results = batch(crm, [person(1), *(item for item, _ in bad), person(2)])
    assert [each["status"] for each in results] == [201, *(status for _, status in bad), 201]
    assert all({"error", "message"} <= set(each) for each in results[1:-1])
    assert results[-2]["version"] == 1
    assert len(users()) == 2


def test_a_deleted_record_is_not_found_by_its_external_id(crm):
    crm.post("/crm/users", json=person(1, external_id="one"))
    crm.delete("/crm/users/CRM1001")
    assert batch(crm, [person(1, external_id="one")])[0]["crm_id"] == "CRM1002"


@pytest.mark.parametrize("body", [{}, {"items": {}}, {"items": [{}] * 1001}])
def test_a_batch_that_is_none_is_refused(crm, body):
    assert crm.post("/crm/users/batch", json=body).status_code == 400
