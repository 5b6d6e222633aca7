"""Signatures of webhooks, held against the reference implementation."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks import Webhook

from app.crm import signature
from app.crm.signature import BadSignature, key_of, sign, verify

STEADY = settings(deadline=None, derandomize=True, database=None, max_examples=40)
KEY = b"a secret of 24 bytes ..."
SECRET = "whsec_" + base64.b64encode(KEY).decode()
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
BODY = b'{"crm_id": "CRM1"}'


def signed(body=BODY, secret=SECRET, identity="msg_1", stamp=STAMP):
    return {
        "webhook-id": identity,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{sign(secret, identity, stamp, body)}",
    }


@STEADY
@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), min_size=1, max_size=50), st.text())
def test_our_signature_is_the_reference_signature(identity, text):
    ours = sign(SECRET, identity, STAMP, text.encode())

    assert Webhook(SECRET).sign(identity, NOW, text) == f"v1,{ours}"


@STEADY
@given(st.binary())
def test_what_the_reference_signs_we_accept(body):
    text = body.hex()
    now = datetime.now(UTC)
    stamp = str(int(now.timestamp()))
    headers = {"webhook-id": "m", "webhook-timestamp": stamp, "webhook-signature": Webhook(SECRET).sign("m", now, text)}

    assert verify([SECRET], headers, text.encode(), now) == "m"
    Webhook(SECRET).verify(text, signed(text.encode(), stamp=stamp), json_parse=False)


@STEADY
@given(st.binary(), st.binary())
def test_another_body_is_refused(body, other):
    if body != other:
        with pytest.raises(BadSignature):
            verify([SECRET], signed(body), other, NOW)


ANYTHING = st.text(st.characters(codec=None), max_size=60)


@STEADY
@given(st.dictionaries(st.sampled_from([signature.ID, signature.TIMESTAMP, signature.SIGNATURE]), ANYTHING))
def test_malformed_headers_never_raise_anything_else(changed):
    if changed:
        with pytest.raises(BadSignature):
            verify([SECRET], signed() | changed, BODY, NOW)


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-signature": "v1,\ud800"},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v2," + sign(SECRET, "msg_1", STAMP, BODY)},
        {"webhook-signature": sign(SECRET, "msg_1", STAMP, BODY)},
        {"webhook-id": ""},
        {"webhook-id": "x" * 256},
        {"webhook-id": "a\nb"},
        {"webhook-timestamp": "²"},
        {"webhook-timestamp": "1e9"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "9" * 5000},
        {"webhook-timestamp": f" {STAMP}"},
    ],
)
def test_each_malformed_header_is_refused(changed):
    with pytest.raises(BadSignature):
        verify([SECRET], signed() | changed, BODY, NOW)


@pytest.mark.parametrize("missing", [signature.ID, signature.TIMESTAMP, signature.SIGNATURE])
def test_half_a_claim_is_a_claim_and_is_refused(missing):
    headers = {name: value for name, value in signed().items() if name != missing}

    assert signature.is_signed(headers)
    with pytest.raises(BadSignature):
        verify([SECRET], headers, BODY, NOW)


def test_no_header_is_no_claim():
    assert not signature.is_signed({"content-type": "application/json"})


@pytest.mark.parametrize(("seconds", "good"), [(0, True), (300, True), (-300, True), (301, False), (-301, False)])
def test_a_signature_is_good_for_five_minutes_either_way(seconds, good):
    later = NOW + timedelta(seconds=seconds)
    if good:
        assert verify([SECRET], signed(), BODY, later) == "msg_1"
    else:
        with pytest.raises(BadSignature):
            verify([SECRET], signed(), BODY, later)


def test_any_of_several_secrets_and_of_several_signatures_will_do():
    headers = signed()
    headers["webhook-signature"] = f"v1,AAAA v1a,x {headers['webhook-signature']}"

    assert verify(["another", SECRET], headers, BODY, NOW) == "msg_1"
    with pytest.raises(BadSignature):
        verify(["another"], headers, BODY, NOW)
    with pytest.raises(BadSignature):
        verify([], headers, BODY, NOW)


def test_a_secret_without_its_padding_is_the_same_secret():
    padded = "whsec_" + base64.b64encode(b"x" * 25).decode()

    assert key_of(padded.rstrip("=")) == key_of(padded) == b"x" * 25


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64!", "whsec_A"])
def test_what_is_no_secret_is_not_used_as_one(secret):
    with pytest.raises(ValueError, match="webhook secret"):
        key_of(secret)
