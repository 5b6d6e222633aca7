"""What an answer of the CRM means to the client."""

import pytest

from app.crm import Conflict, CRMError, NotThere, OutcomeUnknown, Rejected, Unavailable
from tests.support.crm_client import CREATED, create
from tests.support.settings import CRM_PATH as PATH
from tests.support.settings import CRM_URL as URL

SENSELESS = {
    "html": b"<html>",
    "half": b'{"crm_id": "CRM',
    "empty": b"",
    "list": b"[]",
    "null": b"null",
    "no id": b"{}",
    "null id": b'{"crm_id": null}',
    "list id": b'{"crm_id": []}',
    "surrogate id": b'{"crm_id": "\\ud800"}',
    "error": b'{"error": "x"}',
    "error and id": b'{"error": "x", "crm_id": "CRM1"}',
    "deep": b"[" * 100_000,
    "deep inside": b'{"crm_id": "CRM1", "a":' + b'{"a":' * 100_000,
    "bytes": b"\xff\xfe\x80",
}


@pytest.mark.parametrize("body", SENSELESS.values(), ids=SENSELESS)
@pytest.mark.parametrize("status", [200, 201])
def test_a_yes_without_sense_is_an_unknown_outcome(once, line, body, status):
    for method in (line.post, line.patch, line.get):
        method(f"{URL}{PATH}" + ("" if method == line.post else "/CRM1"), body=body, status=status)

    with pytest.raises(OutcomeUnknown):
        create(once)
    with pytest.raises(OutcomeUnknown):
        once.update(PATH, "CRM1", {"name": "x"}, version=1, key="k")
    with pytest.raises(OutcomeUnknown):
        once.get(PATH, "CRM1")


def test_an_answer_about_another_record_is_an_unknown_outcome(once, line):
    line.patch(f"{URL}{PATH}/CRM1", json={**CREATED, "crm_id": "CRM2"})
    with pytest.raises(OutcomeUnknown):
        once.update(PATH, "CRM1", {}, version=None, key="k")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"<html>", b"{}", b'{"items": {}}', b"[" * 100_000], ids=lambda body: repr(body[:12])
)
def test_a_page_without_sense_is_unavailable(once, line, body):
    line.get(f"{URL}{PATH}", body=body)
    with pytest.raises(Unavailable):
        once.list_changed(PATH, None, 10)


def test_values_without_sense_do_not_hide_the_record(once, line):
    body = b'{"crm_id": "CRM1", "name": "\\ud800", "score": NaN, "big": 1e999, "version": NaN, "updated_at": []}'
    line.get(f"{URL}{PATH}/CRM1", body=body)

    assert once.get(PATH, "CRM1").stamp.version is None


@pytest.mark.parametrize(
    ("status", "expected"),
    [
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
        (413, Rejected),
        (422, Rejected),
        (425, Unavailable),
        (429, Unavailable),
        (500, OutcomeUnknown),
        (501, Rejected),
        (502, OutcomeUnknown),
        (503, Unavailable),
        (504, OutcomeUnknown),
        (599, OutcomeUnknown),
    ],
)
@pytest.mark.parametrize(
    "body",
    [b'{"error": "x", "message": "Why."}', b"<html>", b"[" * 100_000, b'{"errors": NaN}'],
    ids=lambda body: repr(body[:12]),
)
def test_each_refusal_has_its_meaning(once, line, status, expected, body):
    line.patch(f"{URL}{PATH}/CRM1", body=body, status=status)
    with pytest.raises(CRMError) as caught:
        once.update(PATH, "CRM1", {}, version=1, key="k")

    if expected is NotThere and not body.startswith(b'{"error'):
        expected = Rejected  # some proxy has no such page; that says nothing about the record
    assert (type(caught.value), caught.value.status) == (expected, status)


def test_a_refusal_carries_the_words_of_the_crm_as_they_can_be_stored(once, line):
    body = b'{"error": "in\\u0000valid", "message": "\\ud800 No\\nname."}'
    line.patch(f"{URL}{PATH}/CRM1", body=body, status=422)
    with pytest.raises(Rejected) as caught:
        once.update(PATH, "CRM1", {}, version=1, key="k")

    assert (caught.value.code, caught.value.message) == ("in valid", "in valid:   No name.")


@pytest.mark.parametrize("status", [400, 404, 405, 409, 412, 422])
def test_what_is_refused_is_not_sent_again(canned, line, status):
    line.patch(f"{URL}{PATH}/CRM1", status=status)
    with pytest.raises(CRMError):
        canned.update(PATH, "CRM1", {}, version=1, key="k")

    assert len(line.calls) == 1


@pytest.mark.parametrize(("status", "body"), [(204, b""), (200, b""), (200, b"{}"), (404, b""), (410, b"")])
def test_a_deletion_is_done_when_the_crm_says_so_or_has_no_such_record(once, line, status, body):
    line.delete(f"{URL}{PATH}/CRM1", status=status, body=body)
    once.delete(PATH, "CRM1", version=3)

    assert line.calls[0].request.headers["If-Match"] == '"3"'


@pytest.mark.parametrize("body", [b"<html>", b'{"error": "x"}', b'{"crm_id": "CRM2"}', b"[]"])
def test_a_deletion_without_a_plain_yes_is_an_unknown_outcome(once, line, body):
    line.delete(f"{URL}{PATH}/CRM1", body=body)
    with pytest.raises(OutcomeUnknown):
        once.delete(PATH, "CRM1", version=None)


def test_a_crm_that_knows_no_deletion_has_not_deleted(once, line):
    line.delete(f"{URL}{PATH}/CRM1", status=405)
    with pytest.raises(Rejected) as caught:
        once.delete(PATH, "CRM1", version=None)

    assert not isinstance(caught.value, NotThere)


def test_a_page_of_html_is_no_subscription(once, line):
    line.post(f"{URL}/crm/webhooks", body=b"<html>")
    with pytest.raises(Unavailable):
        once.subscribe("http://127.0.0.1:8000/webhook", "secret")


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_crm_without_a_change_feed_is_told_from_one_that_refuses(once, line, status):
    line.get(f"{URL}{PATH}", status=status)
    with pytest.raises(NotThere):
        once.list_changed(PATH, None, 10)


def test_a_listing_that_is_refused_is_rejected(once, line):
    line.get(f"{URL}{PATH}", status=400)
    with pytest.raises(Rejected) as caught:
        once.list_changed(PATH, None, 10)

    assert not isinstance(caught.value, NotThere)
