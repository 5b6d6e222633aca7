"""A calendar over HTTP: what happens in a window, .ics files, and what cannot be written."""

from datetime import UTC, datetime, timedelta

import icalendar
import pytest

from app.core.kinds import format_time
from app.core.occurrences import Window, occurrences
from app.resources import REGISTRY
from app.services import calendar as service
from tests.support.openapi import complaints, resolved

EVENTS = "/calendar-events"
WEEKLY = {
    "title": "Weekly call",
    "type": "call",
    "starts_at": "2026-03-16T08:00:00.000Z",
    "ends_at": "2026-03-16T08:30:00.000Z",
    "time_zone": "Europe/Berlin",
    "recurrence": "weekly",
}
ONCE = {"title": "Lunch", "starts_at": "2026-03-23T11:00:00Z"}
MARCH = "from=2026-03-01&to=2026-03-31"


@pytest.fixture
def registry():
    return REGISTRY


@pytest.fixture
def settings():
    return {"SYNC_MODE": "worker"}


@pytest.fixture
def make(client):
    def make(**fields):
        answer = client.post(EVENTS, json=fields)
        assert answer.status_code == 201, answer.json
        return answer.json

    return make


def starts(answer):
    assert answer.status_code == 200, answer.json
    return [(one["title"], one["occurrence"]["starts_at"]) for one in answer.json["data"]]


def test_what_happens_in_a_window_comes_by_its_start(client, make):
    weekly, once = make(**WEEKLY), make(**ONCE)

    answer = client.get(f"{EVENTS}?{MARCH}")

    assert starts(answer) == [
        ("Weekly call", "2026-03-16T08:00:00.000Z"),
        ("Weekly call", "2026-03-23T08:00:00.000Z"),
        ("Lunch", "2026-03-23T11:00:00.000Z"),
        ("Weekly call", "2026-03-30T07:00:00.000Z"),
    ]
    assert answer.json["data"][0] == weekly | {
        "occurrence": {"starts_at": "2026-03-16T08:00:00.000Z", "ends_at": "2026-03-16T08:30:00.000Z"}
    }
    assert answer.json["data"][2] == once | {
        "occurrence": {"starts_at": "2026-03-23T11:00:00.000Z", "ends_at": None},
    }
    assert answer.json["pagination"] == {"page": 1, "per_page": 20, "total": 4, "pages": 1, "next_cursor": None}


def test_a_window_has_pages(client, make):
    make(**WEEKLY)

    first = client.get(f"{EVENTS}?{MARCH}&per_page=2")
    last = client.get(f"{EVENTS}?{MARCH}&per_page=2&page=2")

    assert [len(starts(first)), len(starts(last))] == [2, 1]
    assert (first.json["pagination"]["total"], first.json["pagination"]["pages"]) == (3, 2)
    assert f'<{EVENTS}?from=2026-03-01&to=2026-03-31&per_page=2&page=2>; rel="next"' in first.headers["Link"]
    assert 'rel="next"' not in last.headers["Link"]


def test_without_a_window_events_are_listed_as_records(client, make):
    made = make(**WEEKLY)

    assert client.get(EVENTS).json["data"] == [made]


def test_a_window_is_of_days_or_of_times(client, make):
    make(**ONCE)

    found = {
        query: bool(starts(client.get(f"{EVENTS}?{query}")))
        for query in (
            "from=2026-03-23&to=2026-03-23",
            "from=2026-03-24&to=2026-03-24",
            "from=2026-03-23T11:00:00Z&to=2026-03-23T11:00:01Z",
            "from=2026-03-23&to=2026-03-23T11:00:00Z",
            "from=2026-03-23T12:00:00%2B01:00&to=2026-03-24",
            "from=2026-03-23T12:00:00+01:00&to=2026-03-24",
        )
    }

    assert list(found.values()) == [True, False, True, False, True, True], found


WRONG = [
    ("from=2026-03-01", "to"),
    ("to=2026-03-01", "from"),
    ("from=soon&to=2026-03-01", "from"),
    ("from=2026-03-01&to=2026-02-30", "to"),
    ("from=2026-03-02&to=2026-03-01", "to"),
    ("from=2026-03-01T00:00:00Z&to=2026-03-01T00:00:00Z", "to"),
    ("from=2026-01-01&to=2027-01-02", "to"),
    ("from=0001-01-01&to=9999-12-31", "to"),
    (f"{MARCH}&sort=title", "sort"),
    (f"{MARCH}&cursor=x", "cursor"),
    (f"{MARCH}&from=2026-03-02", "from"),
    (f"{MARCH}&type=party", "type"),
    (f"{MARCH}&page=0", "page"),
]


@pytest.mark.parametrize(("query", "name"), WRONG)
def test_a_window_that_is_none_is_refused_by_name(client, query, name):
    answer = client.get(f"{EVENTS}?{query}")

    assert (answer.status_code, list(answer.json["errors"])) == (400, [name])


def test_a_leap_year_and_the_last_days_there_are_can_be_asked_for(client, make):
    make(**WEEKLY, recurrence_count=2)
    make(title="At last", starts_at="9999-12-31T23:00:00Z", recurrence="daily")
    make(title="At first", starts_at="0001-01-01T00:00:00Z", time_zone="America/New_York", all_day=True)

    for query, count in (
        ("from=2026-01-01&to=2027-01-01", 2),
        ("from=9999-12-31&to=9999-12-31", 1),
        ("from=0001-01-01&to=0001-01-02", 1),
    ):
        assert len(starts(client.get(f"{EVENTS}?{query}"))) == count, query


def test_users_have_no_calendar(client):
    answer = client.get(f"/users?{MARCH}")

    assert (answer.status_code, set(answer.json["errors"])) == (400, {"from", "to"})
    assert client.get("/users.ics").status_code == 404


def test_filters_hold_in_a_window_too(client, make):
    owner = client.post("/clients", json={"name": "Example Ltd"}).json
    make(**WEEKLY)
    make(**ONCE, client_id=owner["id"])

    for query in ("type=other", "q=lunch", f"client_id={owner['id']}", "time_zone=UTC"):
        assert [title for title, _ in starts(client.get(f"{EVENTS}?{MARCH}&{query}"))] == ["Lunch"], query
    assert [title for title, _ in starts(client.get(f"/clients/{owner['id']}{EVENTS}?{MARCH}"))] == ["Lunch"]


def test_a_deleted_event_does_not_happen(client, make):
    client.delete(f"{EVENTS}/{make(**WEEKLY)['id']}")

    assert starts(client.get(f"{EVENTS}?{MARCH}")) == []


def midnight(day):
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


FAR = [
    {"starts_at": "2020-01-31T22:00:00Z", "recurrence": "monthly"},
    {"starts_at": "2020-03-31T22:30:00Z", "recurrence": "yearly", "time_zone": "Europe/Berlin"},
    {"starts_at": "2025-12-31T00:00:00Z", "ends_at": "2026-03-10T00:00:00Z"},
    {"starts_at": "2025-12-31T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"},
    {"starts_at": "2026-02-28T23:30:00Z", "all_day": True, "time_zone": "Asia/Tokyo"},
    {"starts_at": "2026-04-01T05:00:00Z", "all_day": True, "time_zone": "America/New_York"},
    {"starts_at": "2026-04-01T10:00:00Z", "all_day": True, "time_zone": "Pacific/Kiritimati"},
    {"starts_at": "2024-01-01T00:00:00Z", "ends_at": "2025-06-01T00:00:00Z", "recurrence": "yearly",
     "recurrence_until": "2025-01-01"},
    {"starts_at": "2023-01-01T00:00:00Z", "recurrence": "daily", "recurrence_until": "2024-01-01"},
    {"starts_at": "2026-02-28T00:00:00Z", "recurrence": "daily", "recurrence_count": 2},
]  # fmt: skip


def test_what_the_database_leaves_out_does_not_happen(client, make):
    made = [make(title=str(number), **fields) for number, fields in enumerate(FAR)]
    occurs = REGISTRY["calendar-events"].occurs

    for since, until in (("2026-03-01", "2026-03-31"), ("2026-04-01", "2026-04-01"), ("2026-05-01", "2026-06-30")):
        answer = client.get(f"{EVENTS}?from={since}&to={until}&per_page=100")
        seen = Window(midnight(since), midnight(until) + timedelta(days=1))
        expected = {
            (one["title"], format_time(each.starts)) for one in made for each in occurrences(occurs.rule(one), seen)
        }
        assert set(starts(answer)) == expected
        assert expected


def test_too_many_occurrences_ask_for_a_smaller_window(client, make):
    for _ in range(3):
        make(**{**WEEKLY, "starts_at": "2026-01-01T08:00:00Z", "ends_at": None, "recurrence": "daily"})

    answer = client.get(f"{EVENTS}?from=2026-01-01&to=2026-12-31")

    assert (answer.status_code, list(answer.json["errors"])) == (400, ["to"])
    assert "smaller window" in answer.json["detail"]
    assert client.get(f"{EVENTS}?from=2026-01-01&to=2026-11-29").json["pagination"]["total"] == 3 * 333


# ── files ────────────────────────────────────────────────────────────────────────────────────────────────────────


def events(answer):
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    return {str(one["UID"]): one for one in icalendar.Calendar.from_ical(answer.data).events}


def test_the_events_are_a_file_for_calendar_programs(client, make):
    weekly, once = make(**WEEKLY), make(**ONCE)

    assert set(events(client.get(f"{EVENTS}.ics"))) == {weekly["id"], once["id"]}
    assert set(events(client.get(f"/api/v1{EVENTS}.ics?type=call"))) == {weekly["id"]}
    assert set(events(client.get(f"{EVENTS}/{once['id']}.ics"))) == {once["id"]}


def test_a_file_says_how_often_its_event_was_changed(client, make):
    made = make(**ONCE)
    client.patch(f"{EVENTS}/{made['id']}", json={"title": "Dinner"})

    (found,) = events(client.get(f"{EVENTS}/{made['id']}.ics")).values()

    assert (found["SEQUENCE"], str(found["SUMMARY"])) == (1, "Dinner")


def test_a_file_that_the_program_has_is_not_sent_again(client, make, clock):
    made = make(**ONCE)
    known = {"If-None-Match": client.get(f"{EVENTS}.ics").headers["ETag"]}

    again = client.get(f"{EVENTS}.ics", headers=known)
    clock.pass_(seconds=1)
    client.patch(f"{EVENTS}/{made['id']}", json={"title": "Dinner"})

    assert (again.status_code, again.data) == (304, b"")
    assert client.get(f"{EVENTS}.ics", headers=known).status_code == 200


def test_a_file_of_nothing_is_refused_or_empty(client, make):
    deleted = make(**ONCE)["id"]
    client.delete(f"{EVENTS}/{deleted}")

    assert client.get(f"{EVENTS}/{deleted}.ics").status_code == 404
    assert client.get(f"{EVENTS}/nobody.ics").status_code == 404
    assert events(client.get(f"{EVENTS}.ics")) == {}


@pytest.mark.parametrize("query", ["from=2026-01-01", "page=1", "sort=title", "type=party"])
def test_a_file_takes_filters_and_nothing_else(client, query):
    assert client.get(f"{EVENTS}.ics?{query}").status_code == 400


def test_a_file_holds_no_more_than_it_can(client, make, monkeypatch):
    monkeypatch.setattr(service, "MOST_IN_A_FILE", 1)
    make(**ONCE)
    assert client.get(f"{EVENTS}.ics").status_code == 200

    make(**WEEKLY)
    assert client.get(f"{EVENTS}.ics").status_code == 400
    assert client.get(f"{EVENTS}.ics?type=call").status_code == 200


# ── what cannot be written ───────────────────────────────────────────────────────────────────────────────────────

IMPOSSIBLE = [
    ({"ends_at": "2026-03-23T10:59:59Z"}, "ends_at"),
    ({"recurrence_until": "2026-12-31"}, "recurrence_until"),
    ({"recurrence_count": 3}, "recurrence_count"),
    ({"recurrence": "daily", "recurrence_count": 3, "recurrence_until": "2026-12-31"}, "recurrence_count"),
    ({"recurrence": "daily", "recurrence_until": "2026-03-22"}, "recurrence_until"),
]


@pytest.mark.parametrize(("fields", "name"), IMPOSSIBLE)
def test_fields_that_do_not_go_together_are_refused_by_name(client, make, fields, name):
    one = f"{EVENTS}/{make(**ONCE)['id']}"

    for answer in (
        client.post(EVENTS, json=ONCE | fields),
        client.patch(one, json=fields),
        client.put(one, json=ONCE | fields),
        client.post(f"{EVENTS}/batch", json={"items": [ONCE | fields], "atomic": True}),
    ):
        named = [one.rpartition(".")[2] for one in answer.json["errors"]]
        assert (answer.status_code, named) == (400, [name])
    assert client.get(EVENTS).json["pagination"]["total"] == 1


def test_an_event_may_end_when_it_starts_and_recur_until_its_first_day(client, make):
    make(**ONCE, ends_at=ONCE["starts_at"])
    make(title="x", starts_at="2026-03-02T04:00:00Z", time_zone="America/New_York", recurrence="daily",
         recurrence_until="2026-03-01")  # fmt: skip


def test_an_edit_is_seen_with_what_was_there(client, make):
    weekly = f"{EVENTS}/{make(**WEEKLY, recurrence_count=3)['id']}"

    refused = client.patch(weekly, json={"recurrence": "none"})
    taken = client.patch(weekly, json={"recurrence": "none", "recurrence_count": None})

    assert (refused.status_code, list(refused.json["errors"])) == (400, ["recurrence_count"])
    assert taken.status_code == 200


def test_what_the_crm_got_wrong_can_still_be_edited(client, make, engine, monkeypatch):
    monkeypatch.setattr(engine.registry["calendar-events"], "checks", ())
    one = f"{EVENTS}/{make(**ONCE, ends_at='2026-03-01T00:00:00Z')['id']}"
    monkeypatch.undo()

    assert client.patch(one, json={"title": "Brunch"}).status_code == 200
    assert client.patch(one, json={"recurrence_count": 2}).status_code == 400
    assert starts(client.get(f"{EVENTS}?{MARCH}")) == [("Brunch", "2026-03-23T11:00:00.000Z")]


# ── the document ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_document_says_what_a_window_takes_and_answers(client, document, make):
    make(**WEEKLY)
    listing = document["paths"][EVENTS]["get"]
    shown = resolved(document, listing["responses"]["200"]["content"]["application/json"]["schema"])

    assert {"from", "to"} <= {one.get("name") for one in listing["parameters"]}
    assert "from" not in {one.get("name") for one in document["paths"]["/users"]["get"]["parameters"]}
    answer = client.get(f"{EVENTS}?{MARCH}").json
    assert complaints(document, shown, answer) == []
    del answer["data"][0]["occurrence"]["starts_at"]
    assert complaints(document, shown, answer) == ["'starts_at' is a required property"]


@pytest.mark.parametrize("path", [f"{EVENTS}.ics", f"{EVENTS}/{{record_id}}.ics"])
def test_the_document_knows_the_files(client, document, make, path):
    responses = document["paths"][path]["get"]["responses"]
    answer = client.get(path.format(record_id=make(**ONCE)["id"]))

    assert set(responses["200"]["content"]) == {answer.mimetype}
    assert "/users.ics" not in document["paths"]


def test_the_example_of_an_event_is_one_that_may_be(document):
    given = document["paths"][EVENTS]["post"]["requestBody"]["content"]["application/json"]["examples"]["whole"][
        "value"
    ]

    assert (given["recurrence"], given["recurrence_until"], given["recurrence_count"]) == ("weekly", "2026-12-31", None)
