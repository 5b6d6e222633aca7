"""Webhooks: proven, taken once, in any order the same, never echoed, and nothing is lost that we do not know yet."""

import itertools
import json
import threading
from datetime import timedelta

import pytest

from app.core.kinds import format_time
from app.crm import signature

FIELDS = ("name", "email", "phone")
JSON = "application/json"
NEW, OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "an-older-secret-as-plain-text"


def _fields(record):
    return {name: record[name] for name in FIELDS}


def _signed(clock, raw, *, secret=NEW, identity="msg_1", ago=0, **headers):
    stamp = str(int(clock.now().timestamp()) - ago)
    value = f"v1,{signature.sign(secret, identity, stamp, raw)}"
    return {"webhook-id": identity, "webhook-timestamp": stamp, "webhook-signature": value} | headers


def _body(crm_id, fields, clock, **more):
    return json.dumps(
        {"crm_id": crm_id, "updated_fields": fields, "timestamp": format_time(clock.now()), **more}
    ).encode()


def _journal(client, user):
    entries = client.get(f"/users/{user['id']}/changes").json["data"]
    return [one for one in entries if one["by"] != "api"]


# ── signatures ───────────────────────────────────────────────────────────────────────────────────────────────────


class TestSigned:
    @pytest.fixture
    def settings(self):
        return {"WEBHOOK_SECRETS": [NEW, OLD], "WEBHOOK_UNSIGNED": False}

    def test_both_secrets_are_accepted_while_one_replaces_the_other(self, client, clock, user):
        for number, secret in enumerate([NEW, OLD]):
            raw = _body(user["crm_id"], {"name": f"B{number}"}, clock, version=2 + number)
            headers = _signed(clock, raw, secret=secret, identity=f"msg_{number}")
            answer = client.post("/webhook", data=raw, content_type=JSON, headers=headers)
            assert (answer.status_code, answer.json) == (
                200, {"outcome": "applied", "fields": ["name"], "success": True},
            )  # fmt: skip

    def test_one_right_signature_of_several_is_enough(self, client, clock, user):
        raw = _body(user["crm_id"], {"name": "B"}, clock, version=2)
        headers = _signed(clock, raw)
        headers["webhook-signature"] = f"v1,bm8= v1a,x {headers['webhook-signature']}"

        assert client.post("/webhook", data=raw, content_type=JSON, headers=headers).status_code == 200

    def test_what_proves_nothing_changes_nothing(self, client, clock, user):
        raw = _body(user["crm_id"], {"name": "Mallory"}, clock, version=2)
        right = _signed(clock, raw)
        wrong = [
            {},
            *({name: value for name, value in right.items() if name != left_out} for left_out in right),
            _signed(clock, raw, secret="another secret"),
            _signed(clock, raw + b" "),
            right | {"webhook-id": "msg_2"},
            right | {"webhook-id": ""},
            right | {"webhook-id": "x" * 256},
            right | {"webhook-timestamp": str(int(right["webhook-timestamp"]) + 1)},
            _signed(clock, raw, ago=301),
            _signed(clock, raw, ago=-302),
            *(right | {"webhook-timestamp": text} for text in ("", "soon", "1e9", "-1", "9" * 400, "\uff11\uff12")),
            *(
                right | {"webhook-signature": text}
                for text in ("", "v1", "v1,", "v1,é", "v1,====", "v2,x", ",", "v1,\xff")
            ),
            right | {"webhook-signature": right["webhook-signature"].removeprefix("v1,")},
        ]
        for headers in wrong:
            sent = {name: value.encode().decode("latin-1") for name, value in headers.items()}
            answer = client.post("/webhook", data=raw, content_type=JSON, headers=sent)
            assert (answer.status_code, answer.json["code"]) == (401, "unauthorized"), headers
            assert answer.mimetype == "application/problem+json"
        assert client.get(f"/users/{user['id']}").json == user
        assert client.post("/webhook", data=raw, content_type=JSON, headers=right).json["outcome"] == "applied"

    def test_a_signature_is_checked_before_the_body_is_read(self, client, clock):
        assert client.post("/webhook", data=b"{", content_type="text/plain").status_code == 401
        for raw, status in ((b"{", 400), (b"\xff", 400), (b"[" * 100_000, 400), (b"x" * 1024 * 1025, 413)):
            headers = _signed(clock, raw)
            assert client.post("/webhook", data=raw, content_type=JSON, headers=headers).status_code == status

    def test_a_repeat_is_known_by_its_id_whatever_it_says(self, client, clock, user):
        raw = _body(user["crm_id"], {"name": "B"}, clock, version=2)
        headers = _signed(clock, raw)
        assert client.post("/webhook", data=raw, content_type=JSON, headers=headers).json["outcome"] == "applied"
        clock.pass_(seconds=200)
        resigned = _signed(clock, raw)

        for again in (headers, resigned):
            answer = client.post("/webhook", data=raw, content_type=JSON, headers=again)
            assert (answer.status_code, answer.json["outcome"]) == (200, "duplicate")
        assert len(_journal(client, user)) == 1

    def test_the_same_content_under_another_id_changes_nothing(self, client, clock, user):
        raw = _body(user["crm_id"], {"name": "B"}, clock, version=2)
        outcomes = [
            client.post(
                "/webhook", data=raw, content_type=JSON, headers=_signed(clock, raw, identity=identity)
            ).json["outcome"]
            for identity in ("a", "b")
        ]  # fmt: skip
        assert outcomes == ["applied", "unchanged"]


def test_the_seeds_example_is_taken_unsigned_where_that_is_allowed(client, user):
    body = {"crm_id": user["crm_id"], "updated_fields": {"phone": "987-654-3210"}, "timestamp": "2023-10-15T12:00:00Z"}

    answer = client.post("/webhook", json=body)

    assert answer.status_code == 200
    assert answer.json["outcome"] == "stale"  # older than the record itself


def test_half_a_signature_is_a_wrong_one(client, user, clock):
    raw = _body(user["crm_id"], {"name": "B"}, clock)
    assert client.post("/webhook", data=raw, content_type=JSON, headers={"webhook-id": "x"}).status_code == 401


# ── once, and in any order ───────────────────────────────────────────────────────────────────────────────────────


def test_an_unsigned_repeat_is_known_by_its_content(client, user, clock):
    fields = {"name": "B", "phone": None}
    raw = _body(user["crm_id"], fields, clock, version=2)
    reordered = json.dumps(dict(reversed(json.loads(raw).items())), indent=2).encode()

    outcomes = [client.post("/webhook", data=one, content_type=JSON).json["outcome"] for one in (raw, raw, reordered)]

    assert outcomes == ["applied", "duplicate", "duplicate"]
    assert len(_journal(client, user)) == 2


def _deliveries(clock, stamped):
    """Four changes of one record, as the CRM made them one after the other."""
    told = [{"name": "One", "phone": None}, {"name": "Two"}, {"email": "three@example.com", "phone": "555-010-9999"},
            {"name": "Four"}]  # fmt: skip
    start = clock.now()
    return [
        {"updated_fields": fields, "timestamp": format_time(start + timedelta(seconds=number)), **stamped(number)}
        for number, fields in enumerate(told)
    ]


@pytest.mark.parametrize("stamped", [lambda n: {"version": 2 + n}, lambda _: {}], ids=["versions", "timestamps"])
def test_every_order_of_the_same_deliveries_gives_the_same_state(client, crm, worker, clock, another, stamped):
    clock.pass_(seconds=1)
    end = {"name": "Four", "phone": "555-010-9999"}
    for order in itertools.permutations(range(4)):
        one = client.post("/users", json=another(name="Start")).json
        clock.pass_(seconds=1)
        deliveries = _deliveries(clock, stamped)
        clock.pass_(seconds=5)
        end["email"] = deliveries[2]["updated_fields"]["email"] = f"three{order}@example.com".translate(
            {ord(character): None for character in "(), "}
        )
        for number in (*order, order[0], order[2]):
            answer = client.post("/webhook", json={"crm_id": one["crm_id"], **deliveries[number]})
            assert answer.status_code == 200, answer.json
        found = client.get(f"/users/{one['id']}").json
        assert (order, _fields(found), found["sync_status"]) == (order, end, "synced")
    calls = len(crm.calls("PATCH"))
    worker.push()
    assert len(crm.calls("PATCH")) == calls == 0
    assert client.get("/sync/conflicts").json["data"] == []


def test_one_delivery_a_hundred_times_at_once_is_applied_once(app, client, user, clock):
    raw = _body(user["crm_id"], {"name": "B"}, clock, version=2)
    outcomes, start = [], threading.Barrier(20)

    def deliver():
        own = app.test_client()
        start.wait()
        for _ in range(5):
            answer = own.post("/webhook", data=raw, content_type=JSON)
            outcomes.append((answer.status_code, answer.json["outcome"]))

    threads = [threading.Thread(target=deliver) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(outcomes) == [(200, "applied"), *[(200, "duplicate")] * 99]
    assert [one["to"] for one in _journal(client, user)] == ["B"]
    assert client.get(f"/users/{user['id']}").json["version"] == user["version"] + 1


def test_our_own_change_coming_back_makes_no_call(client, crm, worker, user, webhook):
    client.patch(f"/users/{user['id']}", json={"name": "B"})
    there, calls = crm.get(user["crm_id"]), len(crm.calls())

    answer = webhook(user["crm_id"], {"name": "B"}, version=there["version"], timestamp=there["updated_at"])
    worker.drain()

    assert answer.json["outcome"] == "unchanged"
    assert len(crm.calls()) == calls


def test_each_field_is_as_old_as_its_own_news(client, user, webhook):
    webhook(user["crm_id"], {"name": "Newer"}, version=5)

    answer = webhook(user["crm_id"], {"name": "Older", "phone": "555-010-9999"}, version=3)

    assert (answer.json["outcome"], answer.json["fields"]) == ("applied", ["phone"])
    assert webhook(user["crm_id"], {"name": "Oldest"}, version=2).json["outcome"] == "stale"
    assert _fields(client.get(f"/users/{user['id']}").json) == {
        "name": "Newer", "email": user["email"], "phone": "555-010-9999",
    }  # fmt: skip


# ── what is not known yet ────────────────────────────────────────────────────────────────────────────────────────


def test_a_stamp_from_the_future_proves_nothing_and_the_record_is_fetched(client, crm, worker, clock, user, webhook):
    crm.edit(user["crm_id"], phone="555-010-9999")
    ahead = format_time(clock.now() + timedelta(hours=1))

    answer = webhook(user["crm_id"], {"name": "From the future"}, timestamp=ahead)

    assert (answer.status_code, answer.json["outcome"]) == (202, "parked")
    assert client.get(f"/users/{user['id']}").json == user
    worker.settle()
    found = client.get(f"/users/{user['id']}").json
    assert (found["name"], found["phone"]) == (user["name"], "555-010-9999")
    assert client.get("/sync/status").json["resources"]["users"]["parked"] == 0


def test_a_version_is_believed_whatever_the_clocks_say(client, clock, user, webhook):
    ahead = format_time(clock.now() + timedelta(days=1))

    assert webhook(user["crm_id"], {"name": "B"}, version=2, timestamp=ahead).json["outcome"] == "applied"
    assert client.get(f"/users/{user['id']}").json["last_updated"] <= format_time(clock.now())


def test_a_delivery_for_a_record_we_do_not_know_waits_until_we_do(client, crm, worker, clock, webhook):
    there = crm.create(name="Cleo", email="cleo@example.com", phone=None)

    answer = webhook(there["crm_id"], {"name": "Cleo"}, event="created", version=1)

    assert (answer.status_code, answer.json["outcome"]) == (202, "parked")
    clock.pass_(seconds=2)
    worker.settle()
    found = client.get("/users?email=cleo@example.com").json["data"]
    assert [(one["crm_id"], one["sync_status"]) for one in found] == [(there["crm_id"], "synced")]
    assert client.get("/sync/status").json["resources"]["users"]["parked"] == 0
    assert len(crm.all()) == 1


def test_a_delivery_that_overtakes_the_answer_to_our_create_is_not_lost(client, crm, worker, webhook, another):
    made = client.post("/users", json=another(), headers={"Prefer": "respond-async"}).json
    told = []

    def overtake(request):
        if request.method == "POST" and request.path_url == "/crm/users" and not told:
            there = crm.all()[0]
            crm.edit(there["crm_id"], phone="555-010-9999")
            told.append(webhook(there["crm_id"], {"phone": "555-010-9999"}, version=2))

    crm.line.after = overtake
    worker.drain()

    assert told[0].status_code == 202
    found = client.get(f"/users/{made['id']}").json
    assert (found["phone"], found["sync_status"]) == ("555-010-9999", "synced")
    assert len(crm.all()) == 1


def test_a_crm_id_that_nobody_knows_is_dropped_after_a_day(client, worker, clock, webhook):
    assert webhook("CRM424242", {"name": "X"}).status_code == 202
    for _ in range(60):
        clock.pass_(minutes=30)
        worker.settle()

    assert client.get("/sync/status").json["resources"]["users"]["parked"] == 0
    assert client.get("/users").json["data"] == []


# ── deletes ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_the_crm_deletes_stays_deleted(client, crm, worker, user, webhook):
    crm.delete(user["crm_id"])

    answer = webhook(user["crm_id"], event="deleted", version=2)

    assert (answer.status_code, answer.json["outcome"]) == (200, "applied")
    assert client.get(f"/users/{user['id']}").status_code == 404
    for late in ({"version": 3}, {}):
        assert webhook(user["crm_id"], {"name": "Revived"}, **late).status_code == 200
    worker.drain()
    assert client.get(f"/users/{user['id']}").status_code == 404
    assert len(crm.calls("PATCH")) == len(crm.calls("DELETE")) == 0


def test_an_update_of_a_record_that_was_deleted_here_keeps_it_deleted(client, crm, worker, user, webhook):
    client.delete(f"/users/{user['id']}", headers={"Prefer": "respond-async"})
    crm.edit(user["crm_id"], name="Revived")

    assert webhook(user["crm_id"], {"name": "Revived"}, version=2).status_code == 200
    worker.drain()

    assert client.get(f"/users/{user['id']}").status_code == 404
    assert crm.get(user["crm_id"]) is None


def test_a_delete_needs_no_fields(client, clock, user):
    body = {"crm_id": user["crm_id"], "event": "deleted", "timestamp": format_time(clock.now())}

    assert client.post("/webhook", json=body).json["outcome"] == "applied"


# ── what must not be set, and what cannot be ─────────────────────────────────────────────────────────────────────


def test_protected_and_unknown_fields_are_passed_over(client, user, webhook):
    told = {"id": "1", "crm_id": "CRM1", "version": 99, "sync_status": "failed", "deleted_at": "x", "colour": {"a": []}}

    assert webhook(user["crm_id"], told, version=2).json["outcome"] == "unchanged"
    assert client.get(f"/users/{user['id']}").json == user
    assert webhook(user["crm_id"], {**told, "name": "B"}, version=3).json["fields"] == ["name"]


BAD = [
    ({"updated_fields": {"phone": "x"}}, "updated_fields.phone"),
    ({"updated_fields": {"phone": 5550109999}}, "updated_fields.phone"),
    ({"updated_fields": {"phone": ["x"]}}, "updated_fields.phone"),
    ({"updated_fields": {"email": "no"}}, "updated_fields.email"),
    ({"updated_fields": {"email": None}}, "updated_fields.email"),
    ({"updated_fields": {"name": " "}}, "updated_fields.name"),
    ({"updated_fields": {"name": "x" * 201}}, "updated_fields.name"),
    ({"updated_fields": None}, "updated_fields"),
    ({"updated_fields": []}, "updated_fields"),
    ({"updated_fields": "phone"}, "updated_fields"),
    ({"updated_fields": ...}, "updated_fields"),
    ({"crm_id": ...}, "crm_id"),
    ({"crm_id": None}, "crm_id"),
    ({"crm_id": ""}, "crm_id"),
    ({"crm_id": 123}, "crm_id"),
    ({"crm_id": "x" * 256}, "crm_id"),
    ({"timestamp": ...}, "timestamp"),
    ({"timestamp": "yesterday"}, "timestamp"),
    ({"timestamp": "2023-10-15T12:00:00"}, "timestamp"),
    ({"timestamp": 1697371200}, "timestamp"),
    ({"event": "exploded"}, "event"),
    ({"event": None}, "event"),
    ({"resource": "planets"}, "resource"),
    ({"resource": {}}, "resource"),
    ({"version": "2"}, "version"),
    ({"version": -1}, "version"),
    ({"version": 1.5}, "version"),
    ({"version": True}, "version"),
    ({"external_id": 1}, "external_id"),
]


def test_a_malformed_delivery_is_refused_and_the_field_is_named(client, clock, user):
    for change, name in BAD:
        body = {"crm_id": user["crm_id"], "updated_fields": {"name": "B"}, "timestamp": format_time(clock.now())}
        body = {key: value for key, value in (body | change).items() if value is not ...}
        answer = client.post("/webhook", json=body)
        assert (change, answer.status_code) == (change, 400)
        assert name in answer.json["errors"], (change, answer.json)
        assert name in answer.json["error"]
    assert client.get(f"/users/{user['id']}").json == user


def test_an_email_that_belongs_to_another_is_a_conflict_and_overwrites_nothing(
    client, crm, worker, user, another, webhook
):
    other = client.post("/users", json=another()).json
    calls = len(crm.calls())

    answer = webhook(user["crm_id"], {"email": other["email"].upper(), "name": "B"}, version=2)
    worker.drain()

    assert (answer.status_code, answer.json["fields"]) == (200, ["name"])
    found = client.get(f"/users/{user['id']}").json
    assert (found["email"], found["name"], found["sync_status"]) == (user["email"], "B", "conflict")
    assert client.get(f"/users/{other['id']}").json == other
    [conflict] = client.get("/sync/conflicts?kind=duplicate&status=open").json["data"]
    assert (conflict["record_id"], conflict["field"], conflict["local"], conflict["crm"]) == (
        user["id"], "email", user["email"], other["email"].upper(),
    )  # fmt: skip
    assert len(crm.calls()) == calls


# ── batches ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_batch_has_an_outcome_for_each_and_one_bad_item_holds_up_nobody(client, clock, user, another):
    other = client.post("/users", json=another()).json
    clock.pass_(seconds=1)
    now = format_time(clock.now())
    good = {"crm_id": user["crm_id"], "updated_fields": {"name": "B"}, "timestamp": now, "version": 2}
    batch = [
        good,
        {"crm_id": other["crm_id"], "updated_fields": {"phone": "x"}, "timestamp": now},
        7,
        good,
        {"crm_id": "CRM424242", "updated_fields": {"name": "X"}, "timestamp": now},
        {"crm_id": other["crm_id"], "updated_fields": {"phone": None}, "timestamp": now},
    ]

    answer = client.post("/webhook", json=batch)

    assert answer.status_code == 200
    results = answer.json["results"]
    assert [one["outcome"] for one in results] == ["applied", "invalid", "invalid", "duplicate", "parked", "applied"]
    assert [one["success"] for one in results] == [True, False, False, True, True, True]
    assert "updated_fields.phone" in results[1]["errors"]
    assert results[2]["error"]
    assert client.get(f"/users/{user['id']}").json["name"] == "B"


def test_a_signed_batch_again_is_a_duplicate_of_each(client, clock, user, another):
    other = client.post("/users", json=another()).json
    clock.pass_(seconds=1)
    now = format_time(clock.now())
    raw = json.dumps(
        [{"crm_id": one["crm_id"], "updated_fields": {"name": "B"}, "timestamp": now} for one in (user, other)]
    ).encode()
    headers = _signed(clock, raw)

    outcomes = [
        [
            one["outcome"]
            for one in client.post("/webhook", data=raw, content_type=JSON, headers=headers).json["results"]
        ]
        for _ in range(2)
    ]

    assert outcomes == [["applied", "applied"], ["duplicate", "duplicate"]]


def test_a_batch_has_a_size(client, clock, user):
    one = {"crm_id": user["crm_id"], "updated_fields": {"name": "B"}, "timestamp": format_time(clock.now())}

    for batch in ([], [one] * 101):
        answer = client.post("/webhook", json=batch)
        assert (answer.status_code, answer.json["code"]) == (400, "invalid")
    assert client.get(f"/users/{user['id']}").json == user
    assert client.post("/webhook", json=[one] * 100).status_code == 200


def test_a_batch_without_one_good_item_is_refused_and_says_where(client, clock):
    answer = client.post("/webhook", json=[7, {"crm_id": "CRM1"}, None])

    assert answer.status_code == 400
    assert {"[0]", "[1].timestamp", "[2]"} <= set(answer.json["errors"])
