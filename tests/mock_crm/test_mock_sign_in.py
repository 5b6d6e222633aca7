"""Signing in: client credentials, a login with its refresh, an API key."""

import base64

import pytest

CLIENT = {"client_id": "demo-client", "client_secret": "demo-secret"}
BASIC = {"Authorization": "Basic " + base64.b64encode(b"demo-client:demo-secret").decode()}


@pytest.mark.parametrize(
    "sent",
    [{"data": CLIENT}, {"json": CLIENT}, {"data": {"grant_type": "client_credentials"}, "headers": BASIC}],
    ids=["form", "json", "basic"],
)
def test_a_client_gets_a_token_that_opens_the_api(mock_client, sent):
    answer = mock_client.post("/crm/token", **sent)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert (answer.json["token_type"], answer.json["expires_in"]) == ("Bearer", 3600)
    assert mock_client.get("/crm/users", headers=bearer(answer)).status_code == 200


@pytest.mark.parametrize(
    "wrong", [{}, {**CLIENT, "client_secret": "x"}, {**CLIENT, "client_id": 7}, {"client_id": "ü"}]
)
def test_a_wrong_client_is_refused(mock_client, wrong):
    answer = mock_client.post("/crm/token", json=wrong)
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


def test_another_grant_is_not_supported(mock_client):
    answer = mock_client.post("/crm/token", data={**CLIENT, "grant_type": "password"})
    assert (answer.status_code, answer.json["error"]) == (400, "unsupported_grant_type")


def test_a_token_outlives_a_restart_but_not_its_hour(start, clock):
    headers = bearer(start(CLOCK=clock).test_client().post("/crm/token", data=CLIENT))
    restarted = start(CLOCK=clock).test_client()
    assert restarted.get("/crm/users", headers=headers).status_code == 200
    clock.now += 3601
    answer = restarted.get("/crm/users", headers=headers)
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


def test_tokens_live_as_long_as_the_setting_says(start, clock):
    client = start(CLOCK=clock, TOKEN_TTL=5).test_client()
    answer = client.post("/crm/token", data=CLIENT)
    clock.now += 6
    assert answer.json["expires_in"] == 5
    assert client.get("/crm/users", headers=bearer(answer)).status_code == 401


def test_a_token_of_another_crm_is_refused(start, tmp_path):
    other = start(DATABASE=tmp_path / "other.db").test_client().post("/crm/token", data=CLIENT)
    assert start().test_client().get("/crm/users", headers=bearer(other)).status_code == 401


def test_a_login_gives_a_pair_and_a_refresh_a_new_one(mock_client):
    first = mock_client.post("/crm/auth/login", json={"username": "demo", "password": "demo-password"})
    second = mock_client.post("/api/v1/auth/refresh", json={"refresh_token": first.json["refresh_token"]})
    assert second.json["refresh_token"] != first.json["refresh_token"]
    assert mock_client.get("/crm/users", headers=bearer(first)).status_code == 200
    assert mock_client.get("/crm/users", headers=bearer(second)).status_code == 200


def test_a_refresh_token_is_good_once_and_is_no_access_token(mock_client):
    pair = mock_client.post("/crm/auth/login", json={"username": "demo", "password": "demo-password"}).json
    again = {"refresh_token": pair["refresh_token"]}
    assert (
        mock_client.get("/crm/users", headers={"Authorization": f"Bearer {again['refresh_token']}"}).status_code == 401
    )
    assert mock_client.post("/crm/auth/refresh", json=again).status_code == 200
    assert mock_client.post("/crm/auth/refresh", json=again).status_code == 401
    assert mock_client.post("/crm/auth/refresh", json={"refresh_token": pair["access_token"]}).status_code == 401


def test_a_wrong_login_is_refused(mock_client):
    assert mock_client.post("/crm/auth/login", json={"username": "demo", "password": None}).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer x.y.z"},
        {"Authorization": "Bearer eyJhbGciOiJub25lIn0.e30."},
        {"Authorization": "Bearer \xff\xfe"},
        {"Authorization": "Basic !!"},
        {"X-API-Key": "wrong"},
    ],
)
def test_a_call_without_a_good_credential_is_refused(mock_client, headers):
    answer = mock_client.get("/crm/users", headers=headers)
    assert (answer.status_code, "error" in answer.json) == (401, True)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_an_api_key_opens_the_api(mock_client, auth):
    assert mock_client.get("/api/v1/users", headers=auth).status_code == 200


def bearer(answer):
    return {"Authorization": f"Bearer {answer.json['access_token']}"}
