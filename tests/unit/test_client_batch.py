"""A batch as a whole: what is sent, what is sent again, and a CRM that takes none."""

import json

import pytest

from app.core.record import Snapshot
from app.crm import Conflict, Item, NotThere, OutcomeUnknown, Rejected, Unavailable
from tests.support.settings import ANN
from tests.support.settings import CRM_PATH as PATH
from tests.support.settings import CRM_URL as URL

BATCH = f"{URL}{PATH}/batch"
NEW = Item(ANN, external_id="ours")
DONE = {"results": [{"status": 201, "crm_id": "CRM1", "external_id": "ours", "version": 1, **ANN}]}


def send(client, items=(NEW,), **more):
    return client.batch(PATH, items, key="key-1", **more)


def test_records_are_created_and_changed_in_one_call(client, crm):
    known = crm.create(**ANN, external_id="known")
    change = Item({"name": "Anna"}, crm_id=known["crm_id"], version=1)
    stale = Item({"name": "Anne"}, crm_id=known["crm_id"], version=1)
    twice = Item(ANN, external_id="known")
    gone = Item({"name": "Anna"}, crm_id="CRM9")

    made, changed, late, again, lost, bad = send(client, [NEW, change, stale, twice, gone, Item({}, external_id="x")])

    assert (made.external_id, made.fields, made.stamp.version) == ("ours", ANN, 1)
    assert (changed.crm_id, changed.fields["name"], changed.stamp.version) == (known["crm_id"], "Anna", 2)
    assert [type(one) for one in (late, again, lost, bad)] == [Conflict, Conflict, NotThere, Rejected]
    (call,) = crm.calls()
    assert (call.path_url, call.headers["Idempotency-Key"]) == (f"{PATH}/batch", "key-1")


def test_a_thousand_records_fit_into_one_call(client, crm):
    items = [Item(ANN, external_id=f"ours-{number}") for number in range(1000)]

    results = send(client, items)

    assert [one.external_id for one in results] == [item.external_id for item in items]
    assert len(crm.calls()) == 1


@pytest.mark.parametrize("mode", ["cut_after", "cut_before", "truncated", "bad_json", "empty", "html", "no_crm_id"])
def test_a_batch_whose_answer_is_lost_is_sent_again_the_same(client, crm, mode):
    crm.fault(mode, method="POST")

    (result,) = send(client)

    calls = crm.calls()
    assert len({(call.body, call.headers["Idempotency-Key"]) for call in calls}) == 1
    assert len(crm.all()) == 1
    if mode == "no_crm_id":  # the answer makes sense as a whole
        assert (len(calls), type(result)) == (1, OutcomeUnknown)
    else:
        assert (len(calls), result.crm_id) == (2, crm.all()[0]["crm_id"])


def test_without_keys_the_version_keeps_a_repeated_batch_from_doubling(client, crm):
    crm.fault("no_idempotency")
    crm.fault("cut_after", method="POST")

    (result,) = send(client)

    assert type(result) is Conflict
    assert len(crm.all()) == 1


@pytest.mark.parametrize(("status", "kind"), [(503, Unavailable), (429, Unavailable), (500, OutcomeUnknown)])
def test_a_batch_that_never_gets_through_may_be_tried_later(canned, line, status, kind):
    line.post(BATCH, status=status)
    with pytest.raises(Unavailable) as caught:
        send(canned)

    assert (type(caught.value), len(line.calls), canned.batches) == (kind, 3, True)


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"{}", b'{"results": {}}', b'{"error": "x"}'], ids=repr)
def test_a_yes_without_results_is_an_unknown_outcome(once, line, body):
    line.post(BATCH, body=body)
    with pytest.raises(OutcomeUnknown):
        send(once)

    assert once.batches


@pytest.mark.parametrize("body", [b"<html>", b'{"error": "not_found"}', b""], ids=repr)
@pytest.mark.parametrize("status", [404, 405, 410, 501])
def test_a_crm_without_batches_is_not_asked_for_one_for_a_while(canned, line, clock, status, body):
    line.post(BATCH, status=status, body=body)
    with pytest.raises(NotThere):
        send(canned)

    assert (len(line.calls), canned.batches) == (1, False)
    clock.pass_(seconds=601)
    assert canned.batches


@pytest.mark.parametrize("status", [400, 403, 409, 412, 415, 422])
def test_a_batch_that_is_refused_as_a_whole_is_rejected(canned, line, status):
    line.post(BATCH, status=status)
    with pytest.raises(Rejected) as caught:
        send(canned)

    assert (type(caught.value), caught.value.status, canned.batches) == (Rejected, status, False)


def test_a_batch_that_is_too_large_says_nothing_about_a_smaller_one(canned, line):
    line.post(BATCH, status=413)
    with pytest.raises(Rejected):
        send(canned)

    assert canned.batches


def test_a_batch_that_cannot_be_written_is_rejected_and_not_sent(canned, line):
    with pytest.raises(Rejected):
        send(canned, [NEW, Item({"score": float("nan")}, external_id="x")])

    assert (len(line.calls), canned.batches) == (0, True)


def test_what_may_have_been_done_stays_unknown_when_the_batch_is_refused_then(canned, line):
    line.post(BATCH, status=500)
    line.post(BATCH, status=404)
    with pytest.raises(OutcomeUnknown):
        send(canned)

    assert not canned.batches


def test_what_may_have_been_done_stays_unknown_when_an_item_is_postponed_then(canned, line):
    line.post(BATCH, status=500)
    line.post(BATCH, json={"results": [{"status": 503, "error": "busy"}]})
    (result,) = send(canned)

    assert (type(result), result.status) == (OutcomeUnknown, 503)


def test_a_batch_gives_up_by_its_deadline(canned, line, world):
    with pytest.raises(Unavailable):
        send(canned, deadline=world.monotonic())

    assert len(line.calls) == 0


def test_a_batch_is_read_as_one_call(once, line):
    line.post(BATCH, json=DONE, status=207)
    (result,) = send(once)

    assert isinstance(result, Snapshot)
    assert json.loads(line.calls[0].request.body)["items"][0]["if_version"] == 0
