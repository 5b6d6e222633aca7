"""What the CRM writes, read without trust."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.crm import dialect
from app.crm.dialect import Item, Malformed
from app.crm.errors import NotThere

STEADY = settings(deadline=None, derandomize=True, database=None, max_examples=40)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)
NAMES = st.sampled_from([*sorted(dialect.ENVELOPE), "error", "name"])
RECORD = st.dictionaries(NAMES, JSON) | JSON
DEEP = b"[" * 100_000 + b"]" * 100_000


@STEADY
@given(st.binary())
def test_any_bytes_are_an_object_or_malformed(body):
    with suppress(Malformed):
        assert isinstance(dialect.parse(body), dict)


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b'"text"', b"1", b"<html>", b'{"crm_id": "CRM', b"\xff\xfe", DEEP, b'{"a":' + DEEP + b"}"],
    ids=lambda body: repr(body[:12]),
)
def test_what_is_not_an_object_is_malformed(body):
    with pytest.raises(Malformed):
        dialect.parse(body)


@STEADY
@given(RECORD)
def test_a_record_has_a_usable_id_or_is_malformed(value):
    try:
        found = dialect.snapshot(value)
    except Malformed:
        return
    assert found.crm_id.encode()
    assert dialect.record_path("/crm/users", found.crm_id)
    assert found.stamp.version is None or 0 <= found.stamp.version < 2**63


@STEADY
@given(st.dictionaries(st.sampled_from(["items", "next_cursor", "has_more"]), st.lists(RECORD, max_size=3) | JSON))
def test_any_page_is_read_or_malformed(value):
    try:
        page = dialect.page(json.dumps(value).encode())
    except Malformed:
        return
    assert len(page.items) + page.unreadable == len(value["items"])
    assert page.cursor is None or page.cursor.encode()


@STEADY
@given(JSON)
def test_the_words_of_the_crm_can_be_stored_and_shown(value):
    for name in ("error", "code", "message", "errors"):
        code, sentence = dialect.words(400, {name: value})
        assert sentence.isprintable()
        assert 0 < len(sentence) <= dialect.LONGEST_WORDS
        assert code is None or code.isprintable()


def test_errors_nested_deeply_leave_the_status():
    deep = '{"errors": {"a":' + "[" * 900 + "]" * 900 + "}}"

    assert dialect.words(422, dialect.parse(deep.encode()))[1]


def test_the_words_say_what_is_wrong():
    assert dialect.words(400, {"error": "invalid", "message": "Name is missing."}) == (
        "invalid",
        "invalid: Name is missing.",
    )
    assert dialect.words(422, {"errors": {"email": ["bad"]}}) == (None, '{"email": ["bad"]}')
    assert dialect.words(500, {}) == (None, "The CRM answered 500.")


@pytest.mark.parametrize("crm_id", [None, True, "", "  ", "a\0b", "\ud800", "x" * 256, 1.5, [], {}, ".", ".."])
def test_an_id_that_cannot_be_one_is_none(crm_id):
    assert dialect.identity(crm_id) is None
    with pytest.raises(Malformed):
        dialect.snapshot({"crm_id": crm_id})


@pytest.mark.parametrize("crm_id", [".", "..", "", "\ud800"])
def test_a_path_to_such_an_id_is_never_asked_for(crm_id):
    with pytest.raises(NotThere):
        dialect.record_path("/crm/users", crm_id)


def test_an_id_stays_one_segment_of_the_path():
    assert dialect.record_path("/crm/users", "a/../b?c#d%") == "/crm/users/a%2F..%2Fb%3Fc%23d%25"


def test_a_number_is_an_id_too():
    assert dialect.snapshot({"crm_id": 12, "name": "Ann"}).crm_id == "12"


def test_another_record_than_was_asked_for_is_malformed():
    with pytest.raises(Malformed, match="CRM2"):
        dialect.snapshot({"crm_id": "CRM2"}, asked="CRM1")


def test_the_envelope_is_kept_apart_from_the_fields():
    flat = {"crm_id": "C", "version": 3, "updated_at": "2026-01-02T03:04:05Z", "external_id": "e", "name": "Ann"}
    nested = {
        "crm_id": "C",
        "version": 3,
        "updated_at": "2026-01-02T03:04:05Z",
        "external_id": "e",
        "fields": {"name": "Ann"},
    }

    assert dialect.snapshot(flat) == dialect.snapshot(nested)
    assert dialect.snapshot(flat).fields == {"name": "Ann"}


@pytest.mark.parametrize(("said", "read"), [("CRM2", "CRM2"), (7, "7"), (None, None), ({}, None), ("..", None)])
def test_a_merged_record_names_the_one_it_lives_on_in(said, read):
    found = dialect.snapshot({"crm_id": "CRM1", "deleted": True, "merged_into": said})

    assert (found.merged_into, found.fields) == (read, {})


def test_an_item_of_a_batch_says_which_record_and_which_version():
    create = Item({"name": "Ann"}, external_id="ours")
    update = Item({"name": "Ann"}, external_id="ours", crm_id="CRM1", version=3)
    blind = Item({"name": "Ann"}, crm_id="CRM1")

    assert dialect.batched([create, update, blind]) == {
        "items": [
            {"name": "Ann", "external_id": "ours", "if_version": 0},
            {"name": "Ann", "crm_id": "CRM1", "if_version": 3},
            {"name": "Ann", "crm_id": "CRM1"},
        ]
    }


@STEADY
@given(JSON)
def test_the_results_of_a_batch_are_a_list_or_malformed(value):
    with suppress(Malformed):
        assert dialect.results(json.dumps({"results": value}).encode()) is not None


@pytest.mark.parametrize("version", [True, -1, 2**63, "3", 1.0, None, float("nan")])
def test_a_version_that_is_none_is_none(version):
    assert dialect.version_of(version) is None


@pytest.mark.parametrize("cursor", ["\ud800", "a\0", "x" * 3000, {}, True, "", None])
def test_a_page_that_leads_on_by_an_unreadable_cursor_is_malformed(cursor):
    with pytest.raises(Malformed):
        dialect.page(json.dumps({"items": [], "next_cursor": cursor, "has_more": True}).encode())


def test_an_entry_without_an_id_is_counted_and_passed_over():
    page = dialect.page(b'{"items": [{"crm_id": "A"}, {}, null, {"crm_id": "B", "error": "gone"}], "next_cursor": 7}')

    assert ([item.crm_id for item in page.items], page.unreadable, page.cursor) == (["A"], 3, "7")


@pytest.mark.parametrize("body", [b"", b" ", b"{}", b'{"deleted": true}', b'{"crm_id": "C"}'])
def test_a_plain_yes_need_not_say_anything(body):
    dialect.acknowledged(body, asked="C")


@pytest.mark.parametrize("body", [b"<html>", b"[]", b"{", b'{"error": "no"}', b'{"crm_id": "D"}', b'{"crm_id": null}'])
def test_what_is_no_plain_yes_is_malformed(body):
    with pytest.raises(Malformed):
        dialect.acknowledged(body, asked="C")
