"""What has to be known to talk to one CRM."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self
from urllib.parse import urlsplit

AUTHENTICATION_TYPES = ("oauth", "jwt", "api_key")
CREDENTIALS = {"oauth": ("client_id", "client_secret"), "jwt": ("username", "password"), "api_key": ("api_key",)}
ENVIRONMENT = {
    "base_url": "CRM_API_URL",
    "api_version": "CRM_API_VERSION",
    "timeout": "CRM_TIMEOUT",
    "max_retries": "CRM_MAX_RETRIES",
    "rate_limit_per_minute": "CRM_RATE_LIMIT",
    "authentication_type": "CRM_AUTH_TYPE",
    "username": "CRM_USERNAME",
    "password": "CRM_PASSWORD",
    "client_id": "CRM_CLIENT_ID",
    "client_secret": "CRM_CLIENT_SECRET",
    "api_key": "CRM_API_KEY",
    "token_refresh_threshold": "TOKEN_REFRESH_THRESHOLD",
}
"""The environment's name for each parameter."""
FOREVER = float("inf")


@dataclass(frozen=True)
class CRMConfig:
    """The address, the credentials and the patience for one CRM. Raises ValueError that names a wrong parameter.

    `timeout` is seconds for one call in total, `max_retries` attempts in one push, `rate_limit_per_minute` calls
    (0: as fast as the CRM's own headers allow), `token_refresh_threshold` seconds before a token expires.
    """

    base_url: str
    api_version: str = "v1"
    timeout: float = 10.0
    max_retries: int = 3
    rate_limit_per_minute: int = 0
    authentication_type: str = "oauth"
    username: str = ""
    password: str = field(default="", repr=False)
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    token_refresh_threshold: float = 60.0

    def __post_init__(self) -> None:
        self._check_types()
        self._check_address()
        self._check_numbers()
        self._check_credentials()
        object.__setattr__(self, "base_url", self.base_url.rstrip("/"))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the settings of the service, as they are in the environment; what is not set has its default."""
        given = os.environ if environ is None else environ
        texts = {name: given.get(variable, "").strip() for name, variable in ENVIRONMENT.items()}
        if not texts["base_url"]:
            raise ValueError(f"{_called('base_url')} is not set.")
        kinds = {one.name: one.type for one in fields(cls)}
        return cls(**{name: _read(name, text, kinds[name]) for name, text in texts.items() if text})

    def _check_types(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            expected = (int, float) if one.type is float else one.type
            if isinstance(value, bool) or not isinstance(value, expected):  # type: ignore[arg-type]
                raise ValueError(f"{_called(one.name)} must be {_WORDS[one.type]}.")  # noqa: TRY004  (one error to catch)

    def _check_address(self) -> None:
        if not self.base_url.startswith(("http://", "https://")):
            raise ValueError(f"{_called('base_url')} must start with http:// or https://.")
        if "@" in urlsplit(self.base_url).netloc:  # it would be sent in the place of a token, and shown in logs
            raise ValueError(f"{_called('base_url')} must not hold a user name or a password.")
        if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", self.api_version):
            raise ValueError(f"{_called('api_version')} must be one part of a path, such as v1.")

    def _check_numbers(self) -> None:
        if not 0 < self.timeout < FOREVER:
            raise ValueError(f"{_called('timeout')} must be above 0.")
        if self.max_retries < 1:
            raise ValueError(f"{_called('max_retries')} must be at least 1.")
        if self.rate_limit_per_minute < 0:
            raise ValueError(f"{_called('rate_limit_per_minute')} must be at least 0.")
        if not 0 <= self.token_refresh_threshold < FOREVER:
            raise ValueError(f"{_called('token_refresh_threshold')} must be at least 0.")

    def _check_credentials(self) -> None:
        if self.authentication_type not in AUTHENTICATION_TYPES:
            raise ValueError(f"{_called('authentication_type')} must be one of {', '.join(AUTHENTICATION_TYPES)}.")
        if self.api_key != self.api_key.strip() or not self.api_key.isascii() or not self.api_key.isprintable():
            raise ValueError(f"{_called('api_key')} must be printable ASCII.")
        missing = [_called(name) for name in CREDENTIALS[self.authentication_type] if not getattr(self, name)]
        if missing:
            kind = f"{_called('authentication_type')} {self.authentication_type}"
            raise ValueError(f"{kind} needs {' and '.join(missing)}.")


_WORDS: dict[Any, str] = {str: "text", int: "a whole number", float: "a number"}


def _called(name: str) -> str:
    return f"{name} ({ENVIRONMENT[name]})"


def _read(name: str, text: str, kind: Any) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"{_called(name)} must be {_WORDS[kind]}.") from None
