"""The items of a batch: each result has its meaning, and belongs to one record."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.record import Snapshot
from app.crm import Conflict, CRMError, Item, NotThere, OutcomeUnknown, Rejected, Unavailable, batch
from tests.support.settings import CRM_PATH as PATH
from tests.support.settings import CRM_URL as URL
from tests.unit.test_dialect import JSON

NEW = Item({"name": "Ann"}, external_id="ours")
KNOWN = Item({"name": "Ann"}, crm_id="CRM1", version=3)
MADE = {"status": 201, "crm_id": "CRM5", "external_id": "ours", "name": "Ann"}
CHANGED = {"status": 200, "crm_id": "CRM1", "version": 4, "name": "Ann"}


@pytest.fixture
def answered(once, line):
    """Send a batch that is answered with these results."""

    def answered(items, results):
        line.post(f"{URL}{PATH}/batch", json={"results": results})
        return once.batch(PATH, items, key="k")

    return answered


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (202, OutcomeUnknown),
        (302, OutcomeUnknown),
        (400, Rejected),
        (401, Unavailable),
        (403, Rejected),
        (404, NotThere),
        (405, Rejected),
        (408, Unavailable),
        (409, Conflict),
        (410, NotThere),
        (412, Conflict),
        (422, Rejected),
        (425, Unavailable),
        (429, Unavailable),
        (500, OutcomeUnknown),
        (502, OutcomeUnknown),
        (503, Unavailable),
    ],
)
def test_each_refusal_of_an_item_means_what_it_means_alone(answered, status, expected):
    refused, changed = answered([NEW, KNOWN], [{"status": status, "error": "x", "message": "Why."}, CHANGED])

    assert (type(refused), refused.status) == (expected, status)
    assert changed.stamp.version == 4
    assert status == 401 or refused.code == "x" or status == 202


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        [],
        {},
        {"status": 200},
        {"status": "201", "crm_id": "CRM5"},
        {"status": True, "crm_id": "CRM5"},
        {"status": [], "crm_id": "CRM5"},
        {"status": 10**30, "crm_id": "CRM5"},
        {"status": 201, "crm_id": None},
        {"status": 201, "crm_id": "CRM5", "error": "internal"},
        {"status": 201, "crm_id": "CRM5", "external_id": "other"},
        {"status": 400, "external_id": "other"},
    ],
    ids=repr,
)
def test_a_result_without_sense_is_an_unknown_outcome_of_that_item_only(answered, value):
    unknown, changed = answered([NEW, KNOWN], [value, CHANGED])

    assert type(unknown) is OutcomeUnknown
    assert isinstance(changed, Snapshot)


@pytest.mark.parametrize("status", [200, 404, 412])
def test_a_result_about_another_record_is_an_unknown_outcome(answered, status):
    (unknown,) = answered([KNOWN], [{**CHANGED, "status": status, "crm_id": "CRM2"}])

    assert type(unknown) is OutcomeUnknown


def test_a_new_record_need_not_repeat_our_id(answered):
    (made,) = answered([NEW], [{"status": 201, "crm_id": "CRM5", "name": "Ann"}])

    assert (made.crm_id, made.fields) == ("CRM5", {"name": "Ann"})


def test_a_field_may_be_called_as_the_status_is_when_the_fields_are_apart(answered):
    (made,) = answered([NEW], [{"status": 201, "crm_id": "CRM5", "fields": {"status": "open"}}])

    assert made.fields == {"status": "open"}


def test_one_record_cannot_be_the_answer_to_two_items(answered):
    results = answered([NEW, KNOWN, Item({}, external_id="x")], [{**MADE, "crm_id": "CRM1"}, CHANGED, {"status": 400}])

    assert [type(one) for one in results] == [OutcomeUnknown, OutcomeUnknown, Rejected]


def test_results_that_are_too_few_are_found_by_the_ids_they_name(answered):
    silent = Item({}, external_id="silent")
    nameless = Item({})
    refused = {"status": 422, "external_id": "bad", "error": "x"}
    items = [NEW, silent, KNOWN, nameless, Item({}, external_id="bad")]

    made, lost, changed, unnamed, bad = answered(items, [refused, CHANGED, MADE, {"status": 400}])

    assert (made.crm_id, changed.crm_id, type(bad)) == ("CRM5", "CRM1", Rejected)
    assert type(lost) is type(unnamed) is OutcomeUnknown


def test_results_that_are_too_many_are_found_by_the_ids_they_name(answered):
    made, changed = answered([NEW, KNOWN], [CHANGED, None, MADE, MADE])

    assert (made.crm_id, changed.crm_id) == ("CRM5", "CRM1")


def test_a_record_that_was_merged_away_names_its_winner(answered):
    (gone,) = answered([KNOWN], [{"status": 404, "error": "not_found", "merged_into": "CRM7"}])

    assert gone.merged_into == "CRM7"


RESULT = st.dictionaries(st.sampled_from(["status", "crm_id", "external_id", "error", "fields", "merged_into"]), JSON)


@settings(deadline=None, derandomize=True, database=None, max_examples=60)
@given(st.lists(JSON | RESULT | RESULT.map(lambda one: {**one, "status": 201}), max_size=4))
def test_any_results_give_each_item_a_record_or_an_error(values):
    read = batch.outcomes([NEW, KNOWN], values)

    assert all(isinstance(one, Snapshot | CRMError) for one in read)
    assert len(read) == 2
