"""Client credentials: a token is asked for once, renewed once, and believed only if it is one."""

from dataclasses import replace
from urllib.parse import parse_qs

import pytest

from app.crm import CRMClient, OutcomeUnknown, Unavailable
from app.crm.auth import DEFAULT_LIFETIME, LONGEST_LIFETIME
from tests.support.settings import CRM_PATH as PATH
from tests.support.sign_in import JWT, LOGIN, OAUTH, TOKEN, count, record, sent, token


def test_a_token_is_asked_for_once_and_used_until_shortly_before_it_expires(line, world, clock):
    token(line, "t1"), token(line, "t2"), record(line)
    crm = CRMClient(OAUTH, world)
    crm.get(PATH, "CRM1")
    clock.pass_(seconds=3539)
    crm.get(PATH, "CRM1")
    clock.pass_(seconds=2)
    crm.get(PATH, "CRM1")

    assert sent(line) == ["Bearer t1", "Bearer t1", "Bearer t2"]


def test_the_secret_arrives_as_it_is(line, world):
    token(line), record(line)
    CRMClient(OAUTH, world).get(PATH, "CRM1")

    form = parse_qs(line.calls[0].request.body)
    assert form == {
        "grant_type": ["client_credentials"],
        "client_id": ["client"],
        "client_secret": [OAUTH.client_secret],
    }


@pytest.mark.parametrize(
    ("expires_in", "lifetime"),
    [
        (3600, 3600),
        ("3600", 3600),
        (10, 10),
        (1.5, 1.5),
        (None, DEFAULT_LIFETIME),
        (0, DEFAULT_LIFETIME),
        (-5, DEFAULT_LIFETIME),
        ("soon", DEFAULT_LIFETIME),
        (True, DEFAULT_LIFETIME),
        ([1], DEFAULT_LIFETIME),
        (float("nan"), DEFAULT_LIFETIME),
        (float("inf"), LONGEST_LIFETIME),
        pytest.param(10**400, DEFAULT_LIFETIME, id="huge"),
        (10**12, LONGEST_LIFETIME),
    ],
)
def test_odd_lifetimes_neither_break_nor_renew_at_every_call(line, world, clock, expires_in, lifetime):
    token(line, expires_in=expires_in), token(line, "t2"), record(line)
    crm = CRMClient(OAUTH, world)
    for _ in range(3):
        crm.get(PATH, "CRM1")
    assert count(line, TOKEN) == 1
    clock.pass_(seconds=lifetime)
    crm.get(PATH, "CRM1")
    assert count(line, TOKEN) == 2


@pytest.mark.parametrize("value", [None, "", " ", 5, {}, "a\nb", "é", "\ud800"])
def test_a_token_that_is_none_is_unavailable(line, world, value):
    token(line, value)
    with pytest.raises(Unavailable) as caught:
        CRMClient(OAUTH, world).get(PATH, "CRM1")

    assert not isinstance(caught.value, OutcomeUnknown)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"<html>", b'{"access', b"[" * 100_000, b'{"error": {"a": 1}}', b"\xff\xfe\x00"],
    ids=lambda body: repr(body[:12]),
)
@pytest.mark.parametrize("status", [200, 302, 401, 429, 503])
@pytest.mark.parametrize("config", [OAUTH, JWT], ids=["oauth", "jwt"])
def test_any_senseless_answer_to_a_sign_in_is_unavailable(line, world, body, status, config):
    for url in (TOKEN, LOGIN):
        line.post(url, body=body, status=status, headers={"Location": "http://elsewhere.example"})
    with pytest.raises(Unavailable) as caught:
        CRMClient(replace(config, max_retries=1), world).get(PATH, "CRM1")

    assert not isinstance(caught.value, OutcomeUnknown)


def test_a_refused_client_is_not_asked_for_again_within_the_push(line, world):
    line.post(TOKEN, json={"error": "invalid_client"}, status=401)
    with pytest.raises(Unavailable, match="invalid_client"):
        CRMClient(OAUTH, world).get(PATH, "CRM1")

    assert count(line, TOKEN) == 1


def test_a_token_endpoint_that_asks_for_time_gets_it(line, world, clock):
    line.post(TOKEN, json={}, status=429, headers={"Retry-After": "6"})
    token(line), record(line)
    crm = CRMClient(OAUTH, world)
    crm.get(PATH, "CRM1")

    assert clock.passed == 6
    assert crm.breaker.state == "closed"


def test_a_token_that_is_refused_is_renewed_once_and_the_call_repeated(line, world):
    token(line, "t1"), token(line, "t2"), record(line, 401, 200)
    CRMClient(OAUTH, world).get(PATH, "CRM1")

    assert sent(line) == ["Bearer t1", "Bearer t2"]


def test_a_fresh_token_that_is_refused_too_is_unavailable_and_no_loop(line, world, clock):
    token(line, "t1"), token(line, "t2"), record(line, 401)
    crm = CRMClient(OAUTH, world)
    with pytest.raises(Unavailable) as caught:
        crm.get(PATH, "CRM1")

    assert caught.value.status == 401
    assert not isinstance(caught.value, OutcomeUnknown)
    assert sent(line) == ["Bearer t1", "Bearer t2"]
    assert clock.slept == []


def test_a_crm_that_gives_the_same_token_again_is_believed(line, world):
    token(line, "same"), record(line, 401, 200)
    crm = CRMClient(OAUTH, world)
    for _ in range(3):
        crm.get(PATH, "CRM1")

    assert count(line, TOKEN) == 2
