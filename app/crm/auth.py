"""How we prove to the CRM who we are: OAuth client credentials, a login with JWTs, or an API key."""

import re
import threading
from dataclasses import dataclass
from typing import Any, Protocol

import requests
from authlib.integrations.requests_client.oauth2_session import OAuth2Auth, OAuth2ClientAuth
from authlib.oauth2.client import OAuth2Client

from app.core.world import World
from app.crm.config import CRMConfig
from app.crm.dialect import LOGIN_PATH, REFRESH_PATH, TOKEN_PATH
from app.crm.errors import NoToken, Unavailable
from app.crm.limits import parse_retry_after
from app.crm.transport import BoundedSession

DEFAULT_LIFETIME = 3600.0
LONGEST_LIFETIME = 30 * 86400.0
REFRESH_REFUSED = frozenset({400, 401, 403, 404, 405, 410, 422})
"""Answers after which only a new login helps."""


@dataclass(frozen=True)
class Token:
    """A token and when to renew it, in monotonic seconds."""

    value: str
    renew_at: float
    refresh: str | None = None


class Authentication(Protocol):
    def headers(self) -> dict[str, str]:
        """Return what proves who we are. Raises Unavailable when there is no token to be had."""

    def refused(self, headers: dict[str, str]) -> bool:
        """Note that the CRM did not accept these headers; tell whether the next ones are others."""


class ApiKey:
    def __init__(self, key: str) -> None:
        self._headers = {"X-API-Key": key}

    def headers(self) -> dict[str, str]:
        return self._headers

    def refused(self, headers: dict[str, str]) -> bool:  # noqa: ARG002
        return False  # a key does not renew itself


class BearerToken:
    """A token shared by all threads: renewed before it expires, by one thread, while the others wait for that one."""

    def __init__(self, session: BoundedSession, config: CRMConfig, world: World) -> None:
        self._session = session
        self._config = config
        self._world = world
        self._lock = threading.Lock()
        self._token: Token | None = None
        self._refused: str | None = None
        self._failures = 0
        self._last_failure = NoToken("")

    def headers(self) -> dict[str, str]:
        token = self._token
        if token is None or token.value == self._refused or self._world.monotonic() >= token.renew_at:
            token = self._renewed(token)
        return {"Authorization": f"Bearer {token.value}"}

    def refused(self, headers: dict[str, str]) -> bool:
        # Without the lock: whoever holds it may be waiting for the CRM.
        self._refused = headers.get("Authorization", "").removeprefix("Bearer ")
        return True

    def _renewed(self, known: Token | None) -> Token:
        failures = self._failures
        if not self._lock.acquire(timeout=max(0.0, self._session.remaining())):
            raise NoToken("The CRM's token endpoint has not answered yet.")
        try:
            current = self._token
            if current is not None and current is not known and current.value != self._refused:
                return current
            if self._failures != failures:  # whoever held the lock has just been refused: do not queue up to ask again
                last = self._last_failure
                raise NoToken(last.message, status=last.status, retry_after=last.retry_after)
            return self._renew(current)
        finally:
            self._lock.release()

    def _renew(self, known: Token | None) -> Token:
        try:
            token = self._read(self._fetch(known))
        except Unavailable as error:
            self._last_failure = NoToken(error.message, status=error.status, retry_after=error.retry_after)
            self._failures += 1
            raise
        self._refused, self._token = None, token
        return token

    def _fetch(self, known: Token | None, /) -> dict[str, Any]:
        raise NotImplementedError

    def _read(self, body: dict[str, Any]) -> Token:
        value = body.get("access_token")
        if not isinstance(value, str) or not value.strip() or not value.isascii() or not value.isprintable():
            raise Unavailable("The CRM's token answer holds no access_token.")
        lifetime = _lifetime(body.get("expires_in"))
        # A token that lives no longer than the threshold is renewed half-way, not at every call.
        early = min(self._config.token_refresh_threshold, lifetime / 2)
        refresh = body.get("refresh_token")
        renew_at = self._world.monotonic() + lifetime - early
        return Token(value, renew_at, refresh if isinstance(refresh, str) else None)

    def _whole(self, answer: requests.Response) -> requests.Response:
        """Return the answer of a token endpoint if it says yes. Raises Unavailable."""
        status = answer.status_code
        if status == requests.codes.ok:
            return answer
        code = _code(_json(answer).get("error"))
        wait = parse_retry_after(answer.headers.get("Retry-After"), self._world.now())
        raise Unavailable(f"The CRM gave no token ({status}{code}).", status=status, retry_after=wait)


class OAuth(BearerToken):
    """Client credentials (RFC 6749, 4.4), through authlib."""

    def _fetch(self, _known: Token | None) -> dict[str, Any]:
        client = _OAuthClient(
            self._session,
            self._config.client_id,
            self._config.client_secret,
            token_endpoint_auth_method="client_secret_post",  # noqa: S106
        )
        client.register_compliance_hook("access_token_response", self._whole)
        try:
            body = client.fetch_token(self._config.base_url + TOKEN_PATH, grant_type="client_credentials")
        except requests.RequestException as error:
            raise _unreachable(error) from error
        return dict(body)


class _OAuthClient(OAuth2Client):
    client_auth_class = OAuth2ClientAuth
    token_auth_class = OAuth2Auth

    def parse_response_token(self, resp: requests.Response) -> dict[str, Any]:
        """Read the answer without authlib's own reading, which falls over an odd `expires_in`."""
        return _json(resp)


class Login(BearerToken):
    """User name and password for a JWT, renewed by its refresh token; signed in anew when that is refused."""

    def _fetch(self, known: Token | None) -> dict[str, Any]:
        if known is not None and known.refresh is not None:
            refreshed = self._post(REFRESH_PATH, {"refresh_token": known.refresh})
            if refreshed.status_code not in REFRESH_REFUSED:
                body = _json(self._whole(refreshed))
                if "access_token" in body:
                    return {"refresh_token": known.refresh, **body}  # one that is not replaced stays good
        answer = self._post(LOGIN_PATH, {"username": self._config.username, "password": self._config.password})
        return _json(self._whole(answer))

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
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float | str):
        return DEFAULT_LIFETIME
    try:
        lifetime = float(expires_in)
    except (ValueError, OverflowError):
        return DEFAULT_LIFETIME
    return min(lifetime, LONGEST_LIFETIME) if lifetime > 0 else DEFAULT_LIFETIME


def _code(error: object) -> str:
    """Return the error code (RFC 6749, 5.2) if it is one: any other text could repeat a secret."""
    return f", {error}" if isinstance(error, str) and re.fullmatch(r"[a-z_]{1,40}", error) else ""


def _json(response: requests.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except (ValueError, RecursionError):
        body = None
    return body if isinstance(body, dict) else {}


def _unreachable(error: Exception) -> Unavailable:
    # The error's own text can hold the request, and so the secret.
    return Unavailable(f"The CRM's token endpoint did not answer ({type(error).__name__}).")
