"""What has to be known to talk to one CRM."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

AUTHENTICATION_TYPES = ("oauth", "jwt", "api_key")


@dataclass(frozen=True)
class CRMConfig:
    """The address, the credentials and the patience for one CRM.

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
        if self.authentication_type not in AUTHENTICATION_TYPES:
            raise ValueError(f"CRM_AUTH_TYPE must be one of {', '.join(AUTHENTICATION_TYPES)}.")
        if not self.base_url.startswith(("http://", "https://")):
            raise ValueError("CRM_API_URL must start with http:// or https://.")
        if "@" in urlsplit(self.base_url).netloc:  # it would be sent in the place of a token, and shown in logs
            raise ValueError("CRM_API_URL must not hold a user name or a password.")
        if self.api_key != self.api_key.strip() or not self.api_key.isascii() or not self.api_key.isprintable():
            raise ValueError("CRM_API_KEY must be printable ASCII.")
        if self.timeout <= 0 or self.max_retries < 1:
            raise ValueError("CRM_TIMEOUT must be above 0 and CRM_MAX_RETRIES at least 1.")
