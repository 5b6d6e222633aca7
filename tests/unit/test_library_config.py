"""The configuration of the client: what is wrong is named, and the environment is read as the service reads it."""

from dataclasses import fields

import pytest

import config
from app.crm import CRMConfig
from app.crm.config import ENVIRONMENT
from tests.support.settings import CRM_URL as URL

KEY = {"authentication_type": "api_key", "api_key": "demo-api-key"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("base_url", "crm.example"),
        ("base_url", None),
        ("api_version", "v1/users"),
        ("api_version", ".."),
        ("api_version", ""),
        ("timeout", 0),
        ("timeout", "10"),
        ("timeout", float("nan")),
        ("timeout", float("inf")),
        ("max_retries", 0),
        ("max_retries", 1.5),
        ("rate_limit_per_minute", -1),
        ("rate_limit_per_minute", True),
        ("authentication_type", "magic"),
        ("api_key", "a\nb"),
        ("token_refresh_threshold", -1),
    ],
)
def test_a_wrong_parameter_is_named(name, value):
    with pytest.raises(ValueError, match=rf"{name} \({ENVIRONMENT[name]}\)"):
        CRMConfig(**{"base_url": URL, **KEY, name: value})


@pytest.mark.parametrize(
    ("kind", "given", "missing"),
    [
        ("oauth", {"client_id": "a"}, ["client_secret (CRM_CLIENT_SECRET)"]),
        ("oauth", {}, ["client_id", "client_secret"]),
        ("jwt", {"password": "x"}, ["username (CRM_USERNAME)"]),
        ("jwt", {"username": "a"}, ["password (CRM_PASSWORD)"]),
        ("api_key", {"username": "a"}, ["api_key (CRM_API_KEY)"]),
    ],
)
def test_a_missing_credential_is_named(kind, given, missing):
    with pytest.raises(ValueError, match="needs") as caught:
        CRMConfig(URL, authentication_type=kind, **given)

    assert all(name in str(caught.value) for name in missing)


def test_a_slash_at_the_end_of_the_address_makes_no_other_address():
    assert CRMConfig(f"{URL}/", **KEY).base_url == URL


def test_every_parameter_has_a_name_in_the_environment():
    assert ENVIRONMENT.keys() == {one.name for one in fields(CRMConfig)}
    assert set(ENVIRONMENT.values()) <= config.load({"APP_ENV": "testing"}).keys()


def test_the_defaults_are_those_of_the_service():
    service = config.load({"APP_ENV": "testing"})
    ours = CRMConfig.from_environment({"CRM_API_URL": URL, **config.DEMO})

    own = {"base_url"}
    assert {name: getattr(ours, name) for name in ENVIRONMENT.keys() - own} == {
        name: service[variable] for name, variable in ENVIRONMENT.items() if name not in own
    }


def test_the_environment_is_read():
    environ = {
        "CRM_API_URL": f" {URL}/ ",
        "CRM_API_VERSION": "v2",
        "CRM_TIMEOUT": "2.5",
        "CRM_MAX_RETRIES": "5",
        "CRM_RATE_LIMIT": "200",
        "CRM_AUTH_TYPE": "jwt",
        "CRM_USERNAME": "ann",
        "CRM_PASSWORD": "pa55word",
        "TOKEN_REFRESH_THRESHOLD": "30",
    }

    assert CRMConfig.from_environment(environ) == CRMConfig(
        base_url=URL,
        api_version="v2",
        timeout=2.5,
        max_retries=5,
        rate_limit_per_minute=200,
        authentication_type="jwt",
        username="ann",
        password="pa55word",
        token_refresh_threshold=30.0,
    )


def test_the_environment_of_this_program_is_the_default(monkeypatch):
    monkeypatch.setenv("CRM_API_URL", URL)
    monkeypatch.setenv("CRM_AUTH_TYPE", "api_key")
    monkeypatch.setenv("CRM_API_KEY", "demo-api-key")

    assert CRMConfig.from_environment() == CRMConfig(URL, **KEY)


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, r"base_url \(CRM_API_URL\)"),
        ({"CRM_API_URL": URL, "CRM_MAX_RETRIES": "three"}, r"max_retries \(CRM_MAX_RETRIES\) must be a whole number"),
        ({"CRM_API_URL": URL, "CRM_TIMEOUT": "soon"}, r"timeout \(CRM_TIMEOUT\) must be a number"),
    ],
)
def test_what_is_wrong_in_the_environment_is_named(environ, named):
    with pytest.raises(ValueError, match=named):
        CRMConfig.from_environment(environ)
