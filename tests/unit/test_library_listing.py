"""All records of a listing, one after the other: each once, lazily, and to an end that is one."""

from itertools import islice

import pytest

from app.crm import Unavailable
from app.crm import listing as listings
from tests.support.settings import CRM_URL as URL

USERS = f"{URL}/api/v1/users"


def users(*ids):
    return [{"crm_id": one, "version": 1, "name": one, "email": f"{one}@example.com"} for one in ids]


def page(line, *ids, **numbers):
    line.get(USERS, json={"items": users(*ids), **numbers})


def walk(crm, **about):
    return [user.id for user in crm.users.iterate(**about)]


def test_records_are_fetched_page_by_page(canned, line):
    page(line, "A", "B", page=1, pages=2, total=3)
    page(line, "C", page=2, pages=2, total=3)

    assert walk(canned, per_page=2) == ["A", "B", "C"]
    assert [call.request.params for call in line.calls] == [
        {"page": "1", "per_page": "2"},
        {"page": "2", "per_page": "2"},
    ]


def test_a_page_is_asked_for_when_it_is_needed(canned, line):
    page(line, "A", "B", page=1, pages=9, total=17)

    assert [user.id for user in islice(canned.users.iterate(per_page=2), 2)] == ["A", "B"]
    assert len(line.calls) == 1


def test_nothing_is_asked_before_the_first_record_is_wanted(canned, line):
    canned.users.iterate()

    assert len(line.calls) == 0


def test_an_empty_listing_has_no_records(canned, line):
    page(line, page=1, pages=0, total=0)

    assert walk(canned) == []


def test_a_record_that_moved_to_the_next_page_comes_once(canned, line):
    page(line, "A", "B", page=1, pages=2, total=3)
    page(line, "B", "C", page=2, pages=2, total=4)

    assert walk(canned, per_page=2) == ["A", "B", "C"]


def test_a_listing_that_shrank_meanwhile_ends(canned, line):
    page(line, "A", "B", page=1, pages=3, total=5)
    page(line, "A", page=1, pages=1, total=1)

    assert walk(canned, per_page=2) == ["A", "B"]


def test_a_crm_without_numbers_ends_with_a_page_that_is_not_full(canned, line):
    page(line, "A", "B")
    page(line, "C")

    assert walk(canned, per_page=2) == ["A", "B", "C"]


@pytest.mark.parametrize("numbers", [{}, {"page": 1, "pages": 5}])
def test_a_crm_that_does_not_turn_the_page_is_not_taken_for_a_short_one(canned, line, numbers):
    page(line, "A", "B", **numbers)
    with pytest.raises(Unavailable):
        walk(canned, per_page=2)

    assert len(line.calls) == 2


def test_a_crm_that_numbers_the_same_page_anew_is_found_out(canned, line):
    for number in (1, 2):
        page(line, "A", "B", page=number, pages=5)
    with pytest.raises(Unavailable, match="the same records again"):
        walk(canned, per_page=2)


def test_a_listing_without_end_is_given_up(canned, line, monkeypatch):
    monkeypatch.setattr(listings, "MOST_PAGES", 2)
    page(line, "A", page=1, pages=9**9)
    page(line, "B", page=2, pages=9**9)
    with pytest.raises(Unavailable, match="more than 2 pages"):
        walk(canned, per_page=1)


def test_what_is_deleted_is_not_listed(canned, line):
    line.get(USERS, json={"items": [*users("A"), *(user | {"deleted": True} for user in users("B"))], "total": 1})

    assert [user.id for user in canned.users.get_all()] == ["A"]


@pytest.mark.parametrize("answer", [{}, {"items": None}, []])
def test_an_answer_that_is_no_listing_is_not_taken_for_an_empty_one(once, line, answer):
    line.get(USERS, json=answer)
    with pytest.raises(Unavailable, match="makes no sense"):
        once.users.get_all()
