"""No secret is ever written anywhere."""

import logging
import traceback
from dataclasses import replace

import pytest

from app.core.world import World
from app.crm import CRMClient, CRMConfig, Unavailable
from tests.support.server import serving
from tests.support.settings import CRM_PATH as PATH
from tests.support.settings import CRM_URL as URL
from tests.support.sign_in import JWT, KEY, LOGIN, OAUTH, TOKEN, record, token

SECRETS = (OAUTH.client_secret, JWT.password, KEY.api_key, "hush-token", "hush-refresh")


@pytest.mark.parametrize("config", [OAUTH, JWT, KEY])
def test_the_configuration_does_not_show_its_secrets(config):
    assert not [secret for secret in SECRETS if secret in repr(config)]


@pytest.mark.parametrize("config", [OAUTH, JWT, KEY], ids=["oauth", "jwt", "api_key"])
@pytest.mark.parametrize("status", [200, 400, 401, 403, 500])
def test_no_secret_gets_into_a_log_or_an_error(line, world, caplog, config, status):
    echo = {"error": " ".join(SECRETS), "error_description": " ".join(SECRETS), "message": " ".join(SECRETS)}
    caplog.set_level(logging.DEBUG)
    for url in (TOKEN, LOGIN):
        line.post(url, json=echo, status=status)
    line.get(f"{URL}{PATH}/CRM1", json=echo, status=401)
    with pytest.raises(Unavailable) as caught:
        CRMClient(config, world).get(PATH, "CRM1")

    written = caplog.text + "".join(traceback.format_exception(caught.value))
    assert not [secret for secret in SECRETS if secret in written]


@pytest.mark.parametrize("config", [OAUTH, JWT], ids=["oauth", "jwt"])
def test_no_token_gets_into_a_log_or_an_error(line, world, caplog, config):
    caplog.set_level(logging.DEBUG)
    for url in (TOKEN, LOGIN):
        token(line, "hush-token", url, refresh_token="hush-refresh")
    record(line, 401)
    with pytest.raises(Unavailable) as caught:
        CRMClient(config, world).get(PATH, "CRM1")

    written = caplog.text + "".join(traceback.format_exception(caught.value))
    assert not [secret for secret in SECRETS if secret in written]


def test_a_line_that_is_cut_at_the_token_call_says_nothing_of_what_was_sent(caplog):
    caplog.set_level(logging.DEBUG)
    with serving(lambda server, connection, head: connection.close()) as server:
        crm = CRMClient(replace(OAUTH, base_url=server.url, max_retries=1), World())
        with pytest.raises(Unavailable) as caught:
            crm.get(PATH, "CRM1")
        crm.session.close()

    written = caplog.text + "".join(traceback.format_exception(caught.value))
    assert "s3cret" not in written


@pytest.mark.parametrize(
    "about",
    [
        {"base_url": "ftp://crm.example"},
        {"base_url": "http://user:pa55@crm.example"},
        {"authentication_type": "magic"},
        {"api_key": "a\nb"},
        {"api_key": " a"},
        {"api_key": "é"},
        {"timeout": 0},
        {"max_retries": 0},
    ],
)
def test_a_configuration_that_cannot_work_is_refused_without_showing_it(about):
    with pytest.raises(ValueError, match="CRM_") as caught:
        CRMConfig(**{"base_url": URL, **about})

    assert "pa55" not in str(caught.value)
