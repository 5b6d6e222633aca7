"""Walking through many records: filters, pages and cursors."""

from urllib.parse import quote

import pytest

from tests.support.users import LATER

SORTS = ["last_updated", "created_at", "sync_status", "name", "email", "phone"]


@pytest.fixture
def people(client, clock):
    """Twelve users whose values tie, are empty or missing, and hold what a URL or a pattern must escape."""
    names = [
        "Ann",
        "ann",
        "Bo 100%",
        "Bo 100x",
        "C_d",
        "Cxd",
        "Zoë",
        "مريم",
        "👨\u200d👩\u200d👧",
        "D\u00a0e",
        "D e",
        "Ann",
    ]
    phones = [
        None,
        "",
        "123-456-7890",
        "123-456-7890",
        None,
        "",
        "555-010-9999",
        None,
        None,
        "",
        "+1 555 010 1234",
        None,
    ]
    made = []
    for number, (name, phone) in enumerate(zip(names, phones, strict=True)):
        if number % 3 == 0:
            clock.pass_(seconds=1)
        body = {"name": name, "email": f"p{number}@example.com", "phone": phone}
        made.append(client.post("/users", json=body, headers=LATER if number % 2 else {}).json)
    return made


def _walk(client, first, cursor=None):
    """Follow `next_cursor` to the end."""
    seen = []
    while True:
        answer = client.get(first + (f"&cursor={quote(cursor)}" if cursor else ""))
        assert answer.status_code == 200, answer.json
        seen += [one["id"] for one in answer.json["data"]]
        cursor = answer.json["pagination"]["next_cursor"]
        if cursor is None:
            return seen


def test_an_empty_list_is_a_page_like_any_other(client):
    answer = client.get("/users")

    assert answer.json == {
        "data": [],
        "pagination": {"page": 1, "per_page": 20, "total": 0, "pages": 0, "next_cursor": None},
    }


def test_a_walk_sees_each_record_once_in_every_order(client, people):
    everybody = {one["id"] for one in people}
    for sort in (*SORTS, *(f"-{name}" for name in SORTS)):
        pages = [client.get(f"/users?sort={sort}&per_page=3&page={number}").json["data"] for number in range(1, 5)]

        walked = _walk(client, f"/users?sort={sort}&per_page=3")

        assert (sort, set(walked), len(walked)) == (sort, everybody, len(everybody))
        assert walked == [one["id"] for page in pages for one in page], sort


def test_a_walk_does_not_stumble_over_what_changes_meanwhile(client, people, another):
    first = client.get("/users?sort=created_at&per_page=5").json
    client.delete(f"/users/{first['data'][4]['id']}")
    client.delete(f"/users/{first['data'][0]['id']}")
    client.post("/users", json=another(), headers=LATER)

    rest = _walk(client, "/users?sort=created_at&per_page=5", first["pagination"]["next_cursor"])

    assert len(rest) == len(set(rest)) == len(people) - 5 + 1


def test_pages_are_counted_and_linked(client, people):
    answer = client.get("/api/v1/users?sort=name&per_page=5&page=2")
    links = dict(reversed(part.split("; ")) for part in answer.headers["Link"].split(", "))

    assert {k: v for k, v in answer.json["pagination"].items() if k != "next_cursor"} == {
        "page": 2, "per_page": 5, "total": 12, "pages": 3,
    }  # fmt: skip
    assert set(links) == {'rel="next"', 'rel="first"', 'rel="prev"', 'rel="last"'}
    assert links['rel="last"'] == "</api/v1/users?sort=name&per_page=5&page=3>"
    following = client.get(links['rel="next"'].strip("<>")).json["data"]
    assert following == client.get("/users?sort=name&per_page=5&page=3").json["data"]


def test_the_last_page_has_no_next(client, people):
    answer = client.get("/users?per_page=12")

    assert answer.json["pagination"]["next_cursor"] is None
    assert 'rel="next"' not in answer.headers["Link"]


def test_a_page_beyond_the_end_is_empty(client, user):
    for page in ("2", "1000000", "1000000000"):
        answer = client.get(f"/users?page={page}&per_page=100")
        assert (answer.status_code, answer.json["data"], answer.json["pagination"]["total"]) == (200, [], 1)


FOUND = [
    ("email=P0@EXAMPLE.com", ["Ann"]),
    ("email=p1", []),
    ("q=100%25", ["Bo 100%"]),
    ("q=c_D", ["C_d"]),
    ("q=%25", ["Bo 100%"]),
    ("q=p1@", ["ann"]),
    ("q=555-010", ["Zoë"]),
    ("q=" + quote("👨\u200d👩"), ["👨\u200d👩\u200d👧"]),
    ("q=" + quote("D\u00a0e"), ["D\u00a0e"]),
    ("q=\\", []),
    ("q='; DROP TABLE users; --", []),
    ("q=ann&sync_status=pending", ["Ann", "ann"]),
    ("q=&email=p2@example.com", ["Bo 100%"]),
]


def test_filters_take_what_is_asked_literally(client, people):
    for query, names in FOUND:
        answer = client.get(f"/users?sort=name&{query}")

        assert answer.status_code == 200, answer.json
        assert (query, sorted(one["name"] for one in answer.json["data"])) == (query, sorted(names))
        assert answer.json["pagination"]["total"] == len(names)


def test_records_are_found_by_their_state(client, people):
    assert client.get("/users?sync_status=synced").json["pagination"]["total"] == 6
    assert client.get("/users?sync_status=pending").json["pagination"]["total"] == 6
    assert client.get("/users?sync_status=failed").json["pagination"]["total"] == 0


def test_records_are_found_by_when_they_changed(client, people):
    moments = sorted({one["last_updated"] for one in people})
    since = moments[2]
    expected = sum(one["last_updated"] >= since for one in people)

    for form in (since, since.replace("Z", "+00:00"), quote(since.replace("Z", "+00:00"))):
        answer = client.get(f"/users?updated_since={form}")
        assert answer.json["pagination"]["total"] == expected, form
    assert client.get("/users?updated_since=0001-01-01T00:00:00Z").json["pagination"]["total"] == len(people)
    assert client.get("/users?updated_since=9999-12-31T23:59:59Z").json["pagination"]["total"] == 0


WRONG = [
    ("page=0", "page"),
    ("page=-1", "page"),
    ("page=x", "page"),
    ("page=", "page"),
    ("page=\uff11", "page"),
    ("page=1000000001", "page"),
    ("page=" + "9" * 400, "page"),
    ("per_page=0", "per_page"),
    ("per_page=101", "per_page"),
    ("per_page=1.5", "per_page"),
    ("sort=colour", "sort"),
    ("sort=--name", "sort"),
    ("sync_status=fine", "sync_status"),
    ("updated_since=yesterday", "updated_since"),
    ("updated_since=2023-10-15T12:00:00", "updated_since"),
    ("q=%00", "q"),
    ("q=a%0ab", "q"),
    ("q=" + "x" * 301, "q"),
    ("email=%00", "email"),
    ("colour=red", "colour"),
    ("page=1&page=2", "page"),
    ("cursor=", "cursor"),
    ("cursor=x", "cursor"),
    ("cursor=%00", "cursor"),
    ("cursor=" + "W" * 40_000, "cursor"),
    ("cursor=WyItbGFzdF91cGRhdGVkIixudWxsLCJ4Il0", "cursor"),  # ["-last_updated", null, "x"]
    ("sort=name&cursor=WyJuYW1lIiwiXHUwMDAwIiwieCJd", "cursor"),  # ["name", "\u0000", "x"]
    ("sort=name&cursor=WyJuYW1lIiwiXHVkODAwIiwieCJd", "cursor"),  # ["name", "\ud800", "x"]
    ("sort=name&cursor=WyJuYW1lIiwxLCJ4Il0", "cursor"),  # ["name", 1, "x"]
]


def test_a_parameter_that_makes_no_sense_is_named(client, user):
    for query, name in WRONG:
        answer = client.get(f"/users?{query}")

        assert (query[:50], answer.status_code) == (query[:50], 400)
        assert answer.mimetype == "application/problem+json"
        assert name in answer.json["errors"]
        assert name in answer.json["error"]


def test_all_wrong_parameters_are_named_together(client):
    answer = client.get("/users?page=0&per_page=x&sort=&colour=red&sync_status=fine&updated_since=x&cursor=x")

    assert set(answer.json["errors"]) == {
        "page", "per_page", "sort", "colour", "sync_status", "updated_since", "cursor",
    }  # fmt: skip


def test_a_cursor_belongs_to_the_order_it_was_made_for(client, people):
    cursor = client.get("/users?sort=name&per_page=2").json["pagination"]["next_cursor"]

    assert client.get(f"/users?sort=email&cursor={cursor}").status_code == 400


def test_deleted_records_are_in_no_list(client, user):
    client.delete(f"/users/{user['id']}")

    assert client.get("/users").json["pagination"]["total"] == 0
    assert client.get(f"/users?email={user['email']}").json["data"] == []
