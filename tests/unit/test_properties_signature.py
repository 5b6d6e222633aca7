"""What holds of every signature: it proves these bytes, this id and this time, and nothing near them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crm.signature import ID, SIGNATURE, TIMESTAMP, BadSignature, is_signed, sign, verify
from tests.unit.test_signature import NOW, SECRET, STAMP, signed

IDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=60)
SECRETS = st.sampled_from([SECRET, "plain text"]) | st.text(min_size=1).filter(lambda one: not one.startswith("whsec_"))
NAMES = [ID, TIMESTAMP, SIGNATURE]


@given(st.binary(), IDS, SECRETS.filter(lambda one: one.isascii()))
def test_what_was_signed_is_accepted(body, identity, secret):
    headers = signed(body, secret, identity)

    assert is_signed(headers)
    assert verify(["another", secret], headers, body, NOW) == identity


@given(st.binary(min_size=1), st.data())
def test_one_changed_bit_is_refused(body, data):
    place = data.draw(st.integers(0, len(body) * 8 - 1))
    changed = bytearray(body)
    changed[place // 8] ^= 1 << place % 8

    with pytest.raises(BadSignature):
        verify([SECRET], signed(body), bytes(changed), NOW)


@given(st.binary(), st.sampled_from(NAMES), st.data())
def test_one_changed_character_of_a_header_is_refused(body, name, data):
    headers = signed(body)
    text = headers[name]
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec=None).filter(lambda one: one != text[place]))

    with pytest.raises(BadSignature):
        verify([SECRET], headers | {name: text[:place] + other + text[place + 1 :]}, body, NOW)


@given(IDS, IDS, st.binary(max_size=20), st.binary(max_size=20))
def test_id_time_and_body_cannot_trade_places(one, other, body, another):
    if (one, body) != (other, another):
        assert sign(SECRET, one, STAMP, body) != sign(SECRET, other, STAMP, another) or "." in one + other


@given(st.dictionaries(st.sampled_from(NAMES), st.text(st.characters(codec=None))), st.binary())
def test_headers_of_any_kind_are_refused_without_another_error(headers, body):
    with pytest.raises(BadSignature):
        verify([SECRET], headers, body, NOW)
