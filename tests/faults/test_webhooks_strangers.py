"""What proves nothing, makes no sense or is too much: a 4xx with words, and nothing is written."""

import json

import pytest
import requests

from tests.support.deliveries import headers, journal, post, say
from tests.support.faults_crm import fault
from tests.support.settings import SECRET
from tests.support.webhooks import JSON, OLD, delivery, signed
from tests.support.well import assert_problem, assert_well

MEGABYTE = 1024 * 1024


@pytest.fixture
def user(site):
    return site.create().json()


def unchanged(site, user):
    """Check that nothing came of it, and that the right delivery is still taken."""
    assert site.user(user["id"]) == user
    assert journal(site, user) == []
    right = delivery(user["crm_id"], {"name": user["name"]}, site.clock, version=1)
    assert post(site, right, "msg_right").status_code == 200
    assert_well(site, kept=[user])


def test_what_is_not_signed_rightly_is_refused_and_changes_nothing(site, user):
    raw = delivery(user["crm_id"], {"name": "Mallory Of The Wire"}, site.clock, version=2)
    right = signed(site.clock, raw, secret=SECRET)
    wrong = [
        {},
        *({name: value for name, value in right.items() if name != left_out} for left_out in right),
        *(right | {"webhook-signature": text} for text in ("v1", "v1,", "v1,====", "v1,\xe9", "v2,x", ",", "x" * 9000)),
        *(right | {"webhook-timestamp": text} for text in ("soon", "1e9", "-1", "9" * 400, "0")),
        right | {"webhook-id": "x" * 256},
        signed(site.clock, raw, secret="somebody else's secret"),
        signed(site.clock, raw + b" ", secret=SECRET),
        signed(site.clock, raw, secret=SECRET, ago=302),
        signed(site.clock, raw, secret=SECRET, ago=-320),
    ]
    for given in wrong:
        sent = {name: value.encode("latin-1") for name, value in given.items()} | {"Content-Type": JSON}
        answer = requests.post(f"{site.api}/webhook", data=raw, headers=sent, timeout=10)
        assert_problem(answer, 401)
    unchanged(site, user)


def test_a_replay_within_its_time_is_a_duplicate_and_after_it_is_refused(site, user):
    fault(site, "webhook_drop", count=None)
    site.edit_there(user["crm_id"], name="Ann There")
    raw = delivery(user["crm_id"], {"name": "Ann There"}, site.clock, version=2)
    given = headers(site.clock, raw, "msg_1")
    answers = [requests.post(f"{site.api}/webhook", data=raw, headers=given, timeout=10) for _ in range(3)]
    assert [one.json()["outcome"] for one in answers] == ["applied", "duplicate", "duplicate"]

    site.clock.pass_(minutes=10)

    assert_problem(requests.post(f"{site.api}/webhook", data=raw, headers=given, timeout=10), 401)
    assert len(journal(site, user)) == 1
    assert_well(site, kept=[user])


@pytest.mark.parametrize("overlap", [True, False], ids=["while both hold", "after the rotation"])
class TestRotation:
    @pytest.fixture
    def settings(self, overlap):
        return {"WEBHOOK_SECRETS": [SECRET, OLD] if overlap else [SECRET]}

    def test_the_old_secret_holds_during_the_overlap_only(self, site, user, overlap):
        fault(site, "webhook_drop", count=None)
        site.edit_there(user["crm_id"], name="Ann There")
        raw = delivery(user["crm_id"], {"name": "Ann There"}, site.clock, version=2)

        assert post(site, raw, "msg_old", secret=OLD).status_code == (200 if overlap else 401)

        assert site.user(user["id"])["name"] == ("Ann There" if overlap else user["name"])
        assert post(site, raw, "msg_new").status_code == 200
        assert_well(site, kept=[user], also_secret=[OLD])


NONSENSE = {
    "not JSON": b"{",
    "not UTF-8": b'"\xff"',
    "nothing": b"",
    "null": b"null",
    "a string": b'"CRM1001"',
    "an empty list": b"[]",
    "a list of nonsense": b"[5, null]",
    "nested without end": b"[" * 100_000,
    "no crm_id": b'{"updated_fields": {}, "timestamp": "2026-01-01T00:00:00Z"}',
    "NaN": b'{"crm_id": "CRM1001", "updated_fields": {"name": NaN}, "timestamp": "2026-01-01T00:00:00Z"}',
}
WRONG = {
    "crm_id": [None, 5, [], {}, "", "x" * 256, "a\0b", "\ud800"],
    "updated_fields": [None, 5, [], "name", {"name": {}}, {"name": None}, {"name": "x" * 201}, {"email": "no"}],
    "timestamp": [None, 5, "soon", "2026-13-01T00:00:00Z", [], ""],
    "resource": ["nothing", 5, None],
    "event": ["exploded", 5, None],
    "version": ["1", 1.5, -1, 2**63, True],
}


def test_nonsense_is_a_400_that_says_why_and_changes_nothing(site, user):
    right = json.loads(delivery(user["crm_id"], {"name": "Mallory"}, site.clock, version=2))
    wrong = [json.dumps(right | {name: value}).encode() for name, values in WRONG.items() for value in values]
    for number, raw in enumerate([*NONSENSE.values(), *wrong]):
        answer = post(site, raw, f"msg_{number}")
        assert answer.status_code == 400, raw[:200]
        assert_problem(answer, 400)
    unchanged(site, user)


def test_protected_and_unknown_fields_are_never_set(site, user):
    other = site.create("bob@example.com").json()
    fields = {
        "id": other["id"], "crm_id": other["crm_id"], "version": 99, "sync_status": "failed", "deleted": True,
        "created_at": "2000-01-01T00:00:00Z", "last_updated": "2000-01-01T00:00:00Z", "nobody": "knows",
        "__class__": "x", "name": "Ann There",
    }  # fmt: skip
    fault(site, "webhook_drop", count=None)
    site.edit_there(user["crm_id"], name="Ann There")

    answer = say(site, user["crm_id"], fields, "msg_1", version=2)

    assert (answer.status_code, answer.json()["fields"]) == (200, ["name"])
    found = site.user(user["id"])
    assert {name for name in user if found[name] != user[name]} == {"name", "version", "last_updated"}
    assert found["version"] == user["version"] + 1
    assert_well(site, kept=[user, other])


def test_more_than_a_megabyte_is_a_413_and_changes_nothing(site, user):
    for raw in (b'"' + b"x" * MEGABYTE + b'"', b"x" * (8 * MEGABYTE)):
        assert_problem(post(site, raw, "msg_1"), 413)
    chunks = (b"x" * 65_536 for _ in range(20))
    given = headers(site.clock, b"", "msg_2")
    answer = requests.post(f"{site.api}/webhook", data=chunks, headers=given, timeout=30)
    assert answer.status_code in {401, 413}
    unchanged(site, user)
