"""Who may call, and what a production start asks for."""

import pytest

import config
from config import ConfigError

TOKEN, OTHER = "a-token-of-an-application", "the-token-of-another"
PRODUCTION = {
    "APP_ENV": "production",
    "SECRET_KEY": "k" * 32,
    "WEBHOOK_SECRET": "a-secret-for-webhooks",
    "CRM_CLIENT_ID": "id",
    "CRM_CLIENT_SECRET": "secret",
}


def _bearer(token):
    return {"Authorization": f"Bearer {token}"}


class TestProduction:
    @pytest.fixture
    def settings(self):
        return {"APP_ENV": "production", "API_TOKENS": [TOKEN, OTHER], "WEBHOOK_UNSIGNED": False}

    def test_without_a_token_nobody_gets_in(self, client):
        wrong = [
            {}, _bearer("wrong"), _bearer(""), _bearer(TOKEN[:-1]), _bearer(f"{TOKEN},{OTHER}"), {"Authorization": ""},
            {"Authorization": TOKEN}, {"Authorization": f"Basic {TOKEN}"}, _bearer("é"), {"X-API-Key": TOKEN},
        ]  # fmt: skip
        for path in ("/users", "/sync/status", "/metrics", "/nothing", "/users/x/../../healthz", "/healthz/"):
            for headers in wrong:
                answer = client.get(path, headers=headers)
                assert (path, answer.status_code, answer.mimetype) == (path, 401, "application/problem+json")
                assert answer.headers["WWW-Authenticate"] == "Bearer"
                assert answer.json["code"] == "unauthorized"
                assert TOKEN not in answer.get_data(as_text=True)

    def test_every_token_gets_in(self, client):
        for headers in (_bearer(TOKEN), _bearer(OTHER), {"Authorization": f"bearer  {TOKEN} "}):
            assert client.get("/users", headers=headers).status_code == 200
        assert client.post("/users", json={}, headers=_bearer(TOKEN)).status_code == 400

    def test_health_is_open_and_webhooks_prove_themselves(self, client):
        assert client.get("/healthz").status_code == 200
        assert client.get("/readyz").status_code == 200
        for path in ("/webhook", "/api/v1/webhook"):
            answer = client.post(path, json={}, headers=_bearer(TOKEN))
            assert answer.status_code == 401
            assert "signed" in answer.json["error"]
            assert "WWW-Authenticate" not in answer.headers

    def test_another_machine_may_call(self, client):
        answer = client.get("/users", headers=_bearer(TOKEN), environ_overrides={"REMOTE_ADDR": "203.0.113.9"})
        assert answer.status_code == 200


class TestProductionWithoutTokens:
    @pytest.fixture
    def settings(self):
        return {"APP_ENV": "production", "API_TOKENS": []}

    def test_nobody_gets_in(self, client):
        for headers in ({}, _bearer(""), _bearer("None")):
            assert client.get("/users", headers=headers).status_code == 401


class TestDevelopment:
    @pytest.fixture
    def settings(self):
        return {"APP_ENV": "development"}

    def test_this_machine_may_call_and_no_other(self, client):
        for address in ("127.0.0.1", "127.8.8.8", "::1"):
            assert client.get("/users", environ_overrides={"REMOTE_ADDR": address}).status_code == 200
        for address in ("203.0.113.9", "10.0.0.1", "0.0.0.0", "2001:db8::1", "", "localhost", "127.0.0.1, 10.0.0.1"):
            answer = client.get("/users", environ_overrides={"REMOTE_ADDR": address})
            assert (answer.status_code, answer.json["code"]) == (403, "forbidden")

    def test_a_header_makes_nobody_local(self, client):
        headers = {"X-Forwarded-For": "127.0.0.1", "X-Real-Ip": "127.0.0.1", "Forwarded": "for=127.0.0.1"}
        answer = client.get("/users", headers=headers, environ_overrides={"REMOTE_ADDR": "203.0.113.9"})
        assert answer.status_code == 403


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_complete_production_starts():
    loaded = config.load(PRODUCTION | {"API_TOKENS": f"{TOKEN}, {OTHER},"})

    assert loaded["API_TOKENS"] == [TOKEN, OTHER]
    assert loaded["WEBHOOK_UNSIGNED"] is False
    assert loaded["CRM_PASSWORD"] == ""  # no demo credentials


@pytest.mark.parametrize("name", ["SECRET_KEY", "WEBHOOK_SECRET", "CRM_CLIENT_ID", "CRM_CLIENT_SECRET"])
@pytest.mark.parametrize("value", [None, "", "  "])
def test_production_refuses_to_start_and_names_what_is_missing(name, value):
    environ = {key: text for key, text in PRODUCTION.items() if key != name} | ({} if value is None else {name: value})

    with pytest.raises(ConfigError, match=name):
        config.load(environ)


def test_everything_that_is_missing_is_named_at_once():
    with pytest.raises(ConfigError) as refusal:
        config.load({"APP_ENV": "production", "CRM_AUTH_TYPE": "jwt"})
    for name in ("SECRET_KEY", "WEBHOOK_SECRET", "CRM_USERNAME", "CRM_PASSWORD"):
        assert name in str(refusal.value)


def test_a_short_key_is_refused_and_not_repeated():
    with pytest.raises(ConfigError, match="SECRET_KEY") as refusal:
        config.load(PRODUCTION | {"SECRET_KEY": "too-short-a-key"})
    assert "too-short-a-key" not in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("APP_ENV", "prod"), ("PORT", "x"), ("PORT", "0"), ("PORT", "-1"), ("CRM_AUTH_TYPE", "basic"),
        ("CRM_TIMEOUT", "soon"), ("CRM_TIMEOUT", "0"), ("CRM_TIMEOUT", "nan"), ("CRM_TIMEOUT", "inf"),
        ("CRM_MAX_RETRIES", "0"), ("CRM_RATE_LIMIT", "-1"), ("SYNC_MODE", "batch"), ("SYNC_INTERVAL", "0"),
        ("SYNC_BATCH_SIZE", "0"), ("SYNC_DELETED", "maybe"), ("LOG_LEVEL", "LOUD"), ("SMTP_TLS", "yes"),
        ("SMTP_PORT", "smtp"), ("TOKEN_REFRESH_THRESHOLD", "-1"), ("PUSH_BUDGET", "0"), ("MOCK_CRM", "2"),
        ("WEB_CONCURRENCY", "0"), ("WEB_THREADS", "many"), ("PROMETHEUS_MULTIPROC_DIR", "/no/such/folder"),
        ("PROMETHEUS_MULTIPROC_DIR", ""),
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_named(name, value):
    with pytest.raises(ConfigError, match=name):
        config.load({"APP_ENV": "testing", name: value})


def test_secrets_are_rotated_by_a_list():
    loaded = config.load({"APP_ENV": "testing", "WEBHOOK_SECRET": " new , old "})

    assert loaded["WEBHOOK_SECRETS"] == ["new", "old"]
    assert loaded["WEBHOOK_UNSIGNED"] is False


# The first would make every signed webhook a 500, the second would leave no secret at all.
@pytest.mark.parametrize("value", ["whsec_not base64!", " , "])
def test_a_webhook_secret_that_cannot_sign_is_named(value):
    with pytest.raises(ConfigError, match="WEBHOOK_SECRET"):
        config.load(PRODUCTION | {"WEBHOOK_SECRET": value})
