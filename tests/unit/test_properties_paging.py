"""What holds of every page: each record once, however many there are to a page; and no cursor breaks anything."""

import itertools
from types import SimpleNamespace

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.errors import Invalid
from app.core.kinds import is_plain, parse_time
from app.core.record import Snapshot
from app.crm import Page
from app.http import paging
from app.resources import REGISTRY
from app.sync import feed

USERS = REGISTRY["users"]
SORTS = [f"{sign}{name}" for name in (*paging.SORTS, *USERS.fields) for sign in ("", "-")]
WITHIN = Flask("nothing")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
PEOPLE = [("B", None), ("B", ""), ("a", None), ("é", "123-456-7890"), ("Z", "123-456-7890"), ("Z", ""), ("Ω", None)]


def asked(**query):
    with WITHIN.test_request_context(query_string=query):
        return paging.wanted(USERS)


@given(st.sampled_from(SORTS), TEXTS | st.none(), TEXTS, st.datetimes())
def test_a_cursor_is_read_as_it_was_written(sort, text, record_id, moment):
    is_time = sort.lstrip("-") in {"last_updated", "created_at"}
    value = parse_time(f"{moment.isoformat(timespec='milliseconds')}Z") if is_time else text
    plain = is_plain(record_id) and (is_time or text is None or is_plain(text))
    cursor = paging._cursor(sort, value, record_id)

    if plain:
        assert asked(sort=sort, cursor=cursor).after == (value, record_id)
    else:
        with pytest.raises(Invalid, match="cursor"):
            asked(sort=sort, cursor=cursor)


@given(st.sampled_from(SORTS), st.sampled_from(SORTS))
def test_a_cursor_of_another_order_is_refused(sort, other):
    if sort != other:
        with pytest.raises(Invalid, match="cursor"):
            asked(sort=other, cursor=paging._cursor(sort, None, "id"))


NAMES = ["page", "per_page", "cursor", "sort", "sync_status", "q", "updated_since", "email", "other"]
ODD = st.sampled_from(["0", "1", "²", "-1", "9" * 5000, "W10", "bnVsbA", "e30", "MQ", "WzEsMiwzXQ", "=", "2026-01-31"])


@given(st.dictionaries(st.sampled_from(NAMES), TEXTS | ODD))
def test_any_query_is_understood_or_refused_by_name(query):
    wrong = query
    try:
        found = asked(**query)
        assert 1 <= found.page <= paging.LAST_PAGE
        assert 1 <= found.per_page <= paging.MOST
    except Invalid as error:
        wrong = error.errors
    assert wrong is query or (wrong and wrong.keys() <= query.keys())


@pytest.fixture
def people(app):
    """Records that share names and phones, so that the order has ties."""
    client = app.test_client()
    for number, (name, phone) in enumerate(PEOPLE * 2):
        body = {"name": name, "phone": phone, "email": f"user{number}@example.com"}
        assert client.post("/users", json=body, headers={"Prefer": "respond-async"}).status_code == 201
    return client


def walk(client, **query):
    for _ in range(len(PEOPLE) * 2 + 1):
        page = client.get("/users", query_string=query).json
        yield from (one["id"] for one in page["data"])
        if (cursor := page["pagination"]["next_cursor"]) is None:
            return
        query["cursor"] = cursor
    pytest.fail("The walk does not end.")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(sort=st.sampled_from(SORTS), size=st.integers(1, len(PEOPLE) * 2 + 1))
def test_a_walk_meets_every_record_once_whatever_the_size_of_its_pages(people, sort, size):
    whole = list(walk(people, sort=sort, per_page=100))

    assert list(walk(people, sort=sort, per_page=size)) == whole
    assert len(set(whole)) == len(whole) == len(PEOPLE) * 2


class Listing:
    """A CRM that lists so many records at a time, with the place as the cursor."""

    def __init__(self, count, size, ends_with_cursor):
        self.items = [Snapshot(f"CRM{number}", {}) for number in range(count)]
        self.size, self.ends_with_cursor = size, ends_with_cursor

    def list_changed(self, _path, cursor, _limit):
        start = int(cursor or 0)
        end = min(start + self.size, len(self.items))
        more = end < len(self.items)
        return Page(self.items[start:end], str(end) if more or self.ends_with_cursor else None, more)


@given(st.integers(0, 40), st.integers(1, 50), st.booleans(), st.integers(0, 40))
def test_a_pull_reads_every_record_after_its_cursor_once(count, size, ends_with_cursor, start):
    listing = Listing(count, size, ends_with_cursor)
    engine = SimpleNamespace(crm=listing)

    read = itertools.islice(feed.pages(engine, USERS, str(start) if start else None), count + 2)

    assert [one for _, page in read for one in page.items] == listing.items[start:]
