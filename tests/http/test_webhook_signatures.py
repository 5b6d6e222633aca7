"""Webhooks are proven: what is signed wrongly changes nothing."""

import pytest

from tests.support.users import journal_of
from tests.support.webhooks import JSON, NEW, OLD, delivery, signed


class TestSigned:
    @pytest.fixture
    def settings(self):
        return {"WEBHOOK_SECRETS": [NEW, OLD], "WEBHOOK_UNSIGNED": False}

    def test_both_secrets_are_accepted_while_one_replaces_the_other(self, client, clock, user):
        for number, secret in enumerate([NEW, OLD]):
            raw = delivery(user["crm_id"], {"name": f"B{number}"}, clock, version=2 + number)
            headers = signed(clock, raw, secret=secret, identity=f"msg_{number}")
            answer = client.post("/webhook", data=raw, content_type=JSON, headers=headers)
            assert (answer.status_code, answer.json) == (
                200, {"outcome": "applied", "fields": ["name"], "success": True},
            )  # fmt: skip

    def test_one_right_signature_of_several_is_enough(self, client, clock, user):
        raw = delivery(user["crm_id"], {"name": "B"}, clock, version=2)
        headers = signed(clock, raw)
        headers["webhook-signature"] = f"v1,bm8= v1a,x {headers['webhook-signature']}"

        assert client.post("/webhook", data=raw, content_type=JSON, headers=headers).status_code == 200

    def test_what_proves_nothing_changes_nothing(self, client, clock, user):
        raw = delivery(user["crm_id"], {"name": "Mallory"}, clock, version=2)
        right = signed(clock, raw)
        wrong = [
            {},
            *({name: value for name, value in right.items() if name != left_out} for left_out in right),
            signed(clock, raw, secret="another secret"),
            signed(clock, raw + b" "),
            right | {"webhook-id": "msg_2"},
            right | {"webhook-id": ""},
            right | {"webhook-id": "x" * 256},
            right | {"webhook-timestamp": str(int(right["webhook-timestamp"]) + 1)},
            signed(clock, raw, ago=301),
            signed(clock, raw, ago=-302),
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
            headers = signed(clock, raw)
            assert client.post("/webhook", data=raw, content_type=JSON, headers=headers).status_code == status

    def test_a_repeat_is_known_by_its_id_whatever_it_says(self, client, clock, user):
        raw = delivery(user["crm_id"], {"name": "B"}, clock, version=2)
        headers = signed(clock, raw)
        assert client.post("/webhook", data=raw, content_type=JSON, headers=headers).json["outcome"] == "applied"
        clock.pass_(seconds=200)
        resigned = signed(clock, raw)

        for again in (headers, resigned):
            answer = client.post("/webhook", data=raw, content_type=JSON, headers=again)
            assert (answer.status_code, answer.json["outcome"]) == (200, "duplicate")
        assert len(journal_of(client, user)) == 1

    def test_the_same_content_under_another_id_changes_nothing(self, client, clock, user):
        raw = delivery(user["crm_id"], {"name": "B"}, clock, version=2)
        outcomes = [
            client.post(
                "/webhook", data=raw, content_type=JSON, headers=signed(clock, raw, identity=identity)
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
    raw = delivery(user["crm_id"], {"name": "B"}, clock)
    assert client.post("/webhook", data=raw, content_type=JSON, headers={"webhook-id": "x"}).status_code == 401
