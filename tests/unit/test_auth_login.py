"""A login with JWTs, and an API key."""

import json

import pytest

from app.crm import CRMClient, CRMConfig, Unavailable
from tests.support.settings import CRM_PATH as PATH
from tests.support.settings import CRM_URL as URL
from tests.support.sign_in import JWT, KEY, LOGIN, REFRESH, count, record, sent, token

# ── a login with JWTs ────────────────────────────────────────────────────────────────────────────────────────────


def bodies(line, url):
    return [json.loads(call.request.body) for call in line.calls if call.request.url == url]


def test_a_login_is_renewed_by_its_refresh_token(line, world, clock):
    token(line, "t1", LOGIN, refresh_token="r1"), token(line, "t2", REFRESH, refresh_token="r2")
    record(line)
    crm = CRMClient(JWT, world)
    for _ in range(3):
        crm.get(PATH, "CRM1")
        clock.pass_(hours=1)

    assert bodies(line, LOGIN) == [{"username": "ann", "password": "pa55word"}]
    assert bodies(line, REFRESH) == [{"refresh_token": "r1"}, {"refresh_token": "r2"}]
    assert sent(line) == ["Bearer t1", "Bearer t2", "Bearer t2"]


def test_a_refresh_token_that_is_not_replaced_stays_good(line, world, clock):
    token(line, "t1", LOGIN, refresh_token="r1"), token(line, "t2", REFRESH), record(line)
    crm = CRMClient(JWT, world)
    for _ in range(3):
        crm.get(PATH, "CRM1")
        clock.pass_(hours=1)

    assert bodies(line, REFRESH) == [{"refresh_token": "r1"}] * 2


@pytest.mark.parametrize(("status", "body"), [(401, {"error": "invalid_token"}), (404, {}), (200, {}), (200, [])])
def test_a_refresh_that_is_refused_is_followed_by_a_new_login(line, world, clock, status, body):
    token(line, "t1", LOGIN, refresh_token="r1"), token(line, "t2", LOGIN)
    line.post(REFRESH, json=body, status=status)
    record(line)
    crm = CRMClient(JWT, world)
    crm.get(PATH, "CRM1")
    clock.pass_(hours=1)
    crm.get(PATH, "CRM1")

    assert sent(line) == ["Bearer t1", "Bearer t2"]


def test_a_refresh_that_finds_the_crm_busy_does_not_send_the_password(line, world, clock):
    token(line, "t1", LOGIN, refresh_token="r1"), record(line)
    line.post(REFRESH, status=503)
    crm = CRMClient(JWT, world)
    crm.get(PATH, "CRM1")
    clock.pass_(hours=1)
    with pytest.raises(Unavailable):
        crm.get(PATH, "CRM1")

    assert count(line, LOGIN) == 1


@pytest.mark.parametrize("kind", ["oauth", "jwt", "api_key"])
def test_each_way_to_sign_in_works_with_the_mock_crm(crm, world, kind):
    about = {
        "client_id": "demo-client",
        "client_secret": "demo-secret",
        "username": "demo",
        "password": "demo-password",
    }
    client = CRMClient(CRMConfig(URL, authentication_type=kind, api_key="demo-api-key", **about), world)
    client.session.mount(URL, crm.line)

    assert client.find(PATH, "nobody") is None


# ── an API key ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_api_key_travels_in_its_own_header(line, world):
    record(line)
    CRMClient(KEY, world).get(PATH, "CRM1")

    headers = line.calls[0].request.headers
    assert headers["X-API-Key"] == KEY.api_key
    assert "Authorization" not in headers


def test_an_api_key_that_is_refused_is_not_sent_again(line, world):
    record(line, 401)
    with pytest.raises(Unavailable):
        CRMClient(KEY, world).get(PATH, "CRM1")

    assert len(line.calls) == 1
