"""How we prove to the CRM who we are: OAuth client credentials, a login with JWTs, or an API key."""

import threading
from dataclasses import dataclass
from typing import Any, Protocol

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client.oauth2_session import OAuth2Auth, OAuth2ClientAuth
from authlib.oauth2.client import OAuth2Client

from app.core.world import World
from app.crm.config import CRMConfig
from app.crm.dialect import LOGIN_PATH, REFRESH_PATH, TOKEN_PATH
from app.crm.errors import Unavailable
from app.crm.transport import BoundedSession

DEFAULT_LIFETIME = 3600.0


@dataclass(frozen=True)
class Token:
    """A token and when to renew it, in monotonic seconds."""

    value: str
    renew_at: float
    refresh: str | None = None


class Authentication(Protocol):
    def headers(self) -> dict[str, str]:
        """Return what proves who we are. Raises Unavailable when there is no token to be had."""

    def refused(self, headers: dict[str, str]) -> None:
        """Note that the CRM did not accept these headers, so that the next ones are new."""


class ApiKey:
    def __init__(self, key: str) -> None:
        self._headers = {"X-API-Key": key}

    def headers(self) -> dict[str, str]:
        return self._headers

    def refused(self, headers: dict[str, str]) -> None:
        """A key does not renew itself."""


class BearerToken:
    """A token shared by all threads: renewed before it expires, by one thread, while the others wait for that one."""

    def __init__(self, session: BoundedSession, config: CRMConfig, world: World) -> None:
        self._session = session
        self._config = config
        self._world = world
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._failures = 0
        self._last_failure: Unavailable | None = None

    def headers(self) -> dict[str, str]:
        token = self._token
        if token is None or self._world.monotonic() >= token.renew_at:
            token = self._renewed(token)
        return {"Authorization": f"Bearer {token.value}"}

    def refused(self, headers: dict[str, str]) -> None:
        with self._lock:
            if self._token is not None and headers.get("Authorization") == f"Bearer {self._token.value}":
                self._token = Token(self._token.value, renew_at=0.0, refresh=self._token.refresh)

    def _renewed(self, known: Token | None) -> Token:
        failures = self._failures
        with self._lock:
            current = self._token
            if current is not None and current is not known and self._world.monotonic() < current.renew_at:
                return current
            if self._failures != failures and self._last_failure is not None:
                raise self._last_failure  # whoever held the lock has just been refused; do not queue up to ask again
            try:
                self._token = self._read(self._fetch(current))
            except Unavailable as error:
                self._failures += 1
                self._last_failure = error
                raise
            return self._token

    def _fetch(self, known: Token | None, /) -> dict[str, Any]:
        raise NotImplementedError

    def _read(self, body: dict[str, Any]) -> Token:
        value = body.get("access_token")
        if not isinstance(value, str) or not value.isascii() or not value.isprintable():
            raise Unavailable("The CRM's token answer holds no access_token.")
        lifetime = _lifetime(body.get("expires_in"))
        # A token that lives no longer than the threshold is renewed half-way, not at every call.
        early = min(self._config.token_refresh_threshold, lifetime / 2)
        refresh = body.get("refresh_token")
        renew_at = self._world.monotonic() + lifetime - early
        return Token(value, renew_at, refresh if isinstance(refresh, str) else None)


class OAuth(BearerToken):
    """Client credentials (RFC 6749, 4.4), through authlib."""

    def _fetch(self, _known: Token | None) -> dict[str, Any]:
        client = _OAuthClient(
            self._session,
            self._config.client_id,
            self._config.client_secret,
            token_endpoint_auth_method="client_secret_post",  # noqa: S106
        )
        try:
            answer = client.fetch_token(self._config.base_url + TOKEN_PATH, grant_type="client_credentials")
        except OAuthError as error:
            raise Unavailable(f"The CRM gave no token: {error.error}.", status=401) from error
        except (requests.RequestException, ValueError) as error:
            raise _unreachable(error) from error
        return dict(answer) if isinstance(answer, dict) else {}


class _OAuthClient(OAuth2Client):
    client_auth_class = OAuth2ClientAuth
    token_auth_class = OAuth2Auth
    oauth_error_class = OAuthError  # type: ignore[assignment]  # as in authlib's own session


class Login(BearerToken):
    """User name and password for a JWT, renewed by its refresh token; signed in anew when that is refused."""

    def _fetch(self, known: Token | None) -> dict[str, Any]:
        if known is not None and known.refresh is not None:
            refreshed = self._post(REFRESH_PATH, {"refresh_token": known.refresh})
            if refreshed.status_code == requests.codes.ok:
                return _json(refreshed)
        answer = self._post(LOGIN_PATH, {"username": self._config.username, "password": self._config.password})
        if answer.status_code != requests.codes.ok:
            raise Unavailable(f"The CRM refused the login ({answer.status_code}).", status=answer.status_code)
        return _json(answer)

    def _post(self, path: str, body: dict[str, str]) -> requests.Response:
        try:
            return self._session.post(self._config.base_url + path, json=body)
        except requests.RequestException as error:
            raise _unreachable(error) from error


def authentication(session: BoundedSession, config: CRMConfig, world: World) -> Authentication:
    """Return the way to authenticate that the configuration names."""
    if config.authentication_type == "api_key":
        return ApiKey(config.api_key)
    kind = OAuth if config.authentication_type == "oauth" else Login
    return kind(session, config, world)


def _lifetime(expires_in: object) -> float:
    try:
        lifetime = float(expires_in)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return DEFAULT_LIFETIME
    return min(lifetime, 30 * 86400.0) if lifetime > 0 else DEFAULT_LIFETIME


def _json(response: requests.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        body = None
    return body if isinstance(body, dict) else {}


def _unreachable(error: Exception) -> Unavailable:
    # The error's own text can hold the request, and so the secret.
    return Unavailable(f"The CRM's token endpoint did not answer ({type(error).__name__}).")
