"""Every setting of the service, from the environment; README.md has them as a table."""

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
INSTANCE = ROOT / "instance"
DEMO = {
    "CRM_CLIENT_ID": "demo-client",
    "CRM_CLIENT_SECRET": "demo-secret",
    "CRM_USERNAME": "demo",
    "CRM_PASSWORD": "demo-password",
    "CRM_API_KEY": "demo-api-key",
}
"""What the mock CRM accepts; never used in production."""
CREDENTIALS = {
    "oauth": ("CRM_CLIENT_ID", "CRM_CLIENT_SECRET"),
    "jwt": ("CRM_USERNAME", "CRM_PASSWORD"),
    "api_key": ("CRM_API_KEY",),
}
SHORTEST_KEY = 32


class ConfigError(ValueError):
    """A setting is missing or makes no sense; the message names it and says what is expected."""


class Environment:
    """Reads settings and says in words what is wrong with one."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def text(self, name: str, default: str = "") -> str:
        return self._values.get(name, "").strip() or default

    def number(self, name: str, default: float, *, least: float = 0.0) -> float:
        text = self.text(name, str(default))
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value < float("inf"):
            raise ConfigError(f"{name} must be a number of at least {least:g}, not {text!r}.")
        return value

    def whole(self, name: str, default: int, *, least: int = 0, most: int = 2**31) -> int:
        number = self.number(name, default, least=least)
        if number != int(number) or number > most:
            raise ConfigError(f"{name} must be a whole number from {least} to {most}, not {number:g}.")
        return int(number)

    def secrets(self, name: str) -> list[str]:
        """Read a comma-separated list of webhook secrets; what follows `whsec_` must be base64."""
        found = _listed(self.text(name))
        for key in (secret.removeprefix("whsec_") for secret in found if secret.startswith("whsec_")):
            try:
                good = bool(base64.b64decode(key + "=" * (-len(key) % 4), validate=True))
            except ValueError:
                good = False
            if not good:
                raise ConfigError(f"What follows whsec_ in {name} must be base64.")
        return found

    def folder(self, name: str) -> str:
        """Read the name of a folder that is there and can be written to; empty when it is not set."""
        path = self._values.get(name)
        if path is not None and not os.access(path, os.W_OK | os.X_OK):
            raise ConfigError(f"{name} must be a folder that can be written to, not {path!r}.")
        return path or ""

    def flag(self, name: str, *, default: bool) -> bool:
        text = self.text(name, "1" if default else "0").lower()
        if text not in {"0", "1", "false", "true", "no", "yes"}:
            raise ConfigError(f"{name} must be 0 or 1, not {text!r}.")
        return text in {"1", "true", "yes"}

    def choice(self, name: str, *choices: str) -> str:
        """Read one of `choices`; the first is the default."""
        text = self.text(name, choices[0])
        if text not in choices:
            raise ConfigError(f"{name} must be one of {', '.join(choices)}, not {text!r}.")
        return text


def load(environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the configuration. Raises ConfigError, with a sentence that says what to set."""
    env = Environment(os.environ if environ is None else environ)
    app_env = env.choice("APP_ENV", "development", "production", "testing")
    config = _service(env, app_env) | _crm(env) | _sync(env) | _mail(env)
    if app_env == "testing":
        config["CRM_PACE_FILE"] = env.text("CRM_PACE_FILE")
    else:
        INSTANCE.mkdir(exist_ok=True)
    if app_env == "production":
        _require_secrets(config)
    else:
        _fill_in_demo(config)
    return config


def _service(env: Environment, app_env: str) -> dict[str, Any]:
    port = env.whole("PORT", 8000, least=1, most=65535)
    threads = env.whole("WEB_THREADS", 16, least=1, most=256)
    return {
        # development: loopback only, anonymous. production: nothing anonymous or unsigned. testing: no secrets kept.
        "APP_ENV": app_env,
        # Where the web process listens.
        "PORT": port,
        # Web processes, and the threads of each that answer requests.
        "WEB_CONCURRENCY": env.whole("WEB_CONCURRENCY", 1, least=1, most=64),
        "WEB_THREADS": threads,
        # A folder where processes put their counters together for /metrics, empty when they start; none: each its own.
        "PROMETHEUS_MULTIPROC_DIR": env.folder("PROMETHEUS_MULTIPROC_DIR"),
        # Where the mock CRM listens; MOCK_CRM=0 does not start it.
        "MOCK_CRM_PORT": env.whole("MOCK_CRM_PORT", 8001, least=1, most=65535),
        "MOCK_CRM": env.flag("MOCK_CRM", default=True),
        # The database: a SQLite file, or postgresql+psycopg://user:password@host/name.
        "SQLALCHEMY_DATABASE_URI": _database_url(env.text("DATABASE_URL", f"sqlite:///{INSTANCE / 'crm-sync.db'}")),
        # Errors must not carry the values of a query into the log.
        "SQLALCHEMY_ENGINE_OPTIONS": {"hide_parameters": True, "pool_size": 4 + threads},
        # Signs what must not be forged; 32 bytes or more in production.
        "SECRET_KEY": env.text("SECRET_KEY"),
        # Bearer tokens (comma-separated) that may use the API; required to use it in production.
        "API_TOKENS": _listed(env.text("API_TOKENS")),
        # DEBUG, INFO, WARNING or ERROR.
        "LOG_LEVEL": env.choice("LOG_LEVEL", "INFO", "DEBUG", "WARNING", "ERROR"),
        # A file that gets every log line as JSON, rotated at 10 MB; none when empty.
        "LOG_FILE": env.text("LOG_FILE"),
        # The largest request body, in bytes.
        "MAX_CONTENT_LENGTH": 1024 * 1024,
        # Where the CRM reaches us, for its webhooks.
        "PUBLIC_URL": env.text("PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip("/"),
        # Secrets that sign webhooks, comma-separated: all are accepted, the first one is given to the CRM.
        "WEBHOOK_SECRETS": env.secrets("WEBHOOK_SECRET"),
        # Whether unsigned webhooks are taken: in development with no WEBHOOK_SECRET set, for a plain curl.
        "WEBHOOK_UNSIGNED": app_env != "production" and not env.secrets("WEBHOOK_SECRET"),
        # The region of phone numbers without a country code (ISO 3166).
        "PHONE_REGION": env.text("PHONE_REGION", "US"),
    }


def _crm(env: Environment) -> dict[str, Any]:
    mock = f"http://127.0.0.1:{env.whole('MOCK_CRM_PORT', 8001, least=1)}"
    return {
        # The CRM's address (default: the mock), and the version of its API for a dialect whose paths carry one.
        "CRM_API_URL": env.text("CRM_API_URL", mock).rstrip("/"),
        "CRM_API_VERSION": env.text("CRM_API_VERSION", "v1"),
        # How we prove who we are: oauth (client id and secret), jwt (user name and password) or api_key.
        "CRM_AUTH_TYPE": env.choice("CRM_AUTH_TYPE", "oauth", "jwt", "api_key"),
        "CRM_CLIENT_ID": env.text("CRM_CLIENT_ID"),
        "CRM_CLIENT_SECRET": env.text("CRM_CLIENT_SECRET"),
        "CRM_USERNAME": env.text("CRM_USERNAME"),
        "CRM_PASSWORD": env.text("CRM_PASSWORD"),
        "CRM_API_KEY": env.text("CRM_API_KEY"),
        # Seconds for one call in total, attempts in one push, calls a minute (0: as the CRM's own headers allow).
        "CRM_TIMEOUT": env.number("CRM_TIMEOUT", 10.0, least=0.1),
        "CRM_MAX_RETRIES": env.whole("CRM_MAX_RETRIES", 3, least=1),
        "CRM_RATE_LIMIT": env.whole("CRM_RATE_LIMIT", 0),
        # The most calls that a run of pushes has under way at once; how many it really has is learned from the CRM.
        "CRM_CALLS_AT_ONCE": env.whole("CRM_CALLS_AT_ONCE", 8, least=1, most=64),
        # Where web and worker share the pace of their calls and the pause after a 429; empty: each has its own.
        "CRM_PACE_FILE": env.text("CRM_PACE_FILE", str(INSTANCE / "crm.pace")),
        # Seconds before its expiry at which a token is renewed.
        "TOKEN_REFRESH_THRESHOLD": env.number("TOKEN_REFRESH_THRESHOLD", 60.0),
    }


def _sync(env: Environment) -> dict[str, Any]:
    return {
        # inline: POST answers after one push, within PUSH_BUDGET seconds. worker: it answers at once.
        "SYNC_MODE": env.choice("SYNC_MODE", "inline", "worker"),
        "PUSH_BUDGET": env.number("PUSH_BUDGET", 10.0, least=0.1),
        # Minutes between two pulls; records claimed at once.
        "SYNC_INTERVAL": env.number("SYNC_INTERVAL", 15.0, least=0.01),
        "SYNC_BATCH_SIZE": env.whole("SYNC_BATCH_SIZE", 100, least=1, most=1000),
        # Hours of retries after which a record is `failed` and a person is told; it is then tried once an hour.
        "SYNC_GIVE_UP": env.number("SYNC_GIVE_UP", 24.0),
        # crm_wins, local_wins, latest or manual; for one resource or field: users.phone:local_wins.
        "CONFLICT_POLICY": env.text("CONFLICT_POLICY", "crm_wins"),
        # 1: what the CRM deletes is deleted here. 0: it is kept, without its link.
        "SYNC_DELETED": env.flag("SYNC_DELETED", default=True),
    }


def _mail(env: Environment) -> dict[str, Any]:
    return {
        # Where the e-mail about spent retries goes; without SMTP_HOST and NOTIFY_EMAIL it is a log line only.
        "SMTP_HOST": env.text("SMTP_HOST"),
        "SMTP_PORT": env.whole("SMTP_PORT", 25, least=1),
        "SMTP_USERNAME": env.text("SMTP_USERNAME"),
        "SMTP_PASSWORD": env.text("SMTP_PASSWORD"),
        "SMTP_TLS": env.choice("SMTP_TLS", "none", "starttls", "ssl"),
        "SMTP_FROM": env.text("SMTP_FROM"),
        "NOTIFY_EMAIL": env.text("NOTIFY_EMAIL"),
    }


def _require_secrets(config: dict[str, Any]) -> None:
    missing = [name for name in CREDENTIALS[config["CRM_AUTH_TYPE"]] if not config[name]]
    missing += [] if config["WEBHOOK_SECRETS"] else ["WEBHOOK_SECRET"]
    if len(config["SECRET_KEY"].encode()) < SHORTEST_KEY:
        missing.append(f"SECRET_KEY ({SHORTEST_KEY} bytes or more)")
    if missing:
        raise ConfigError(f"APP_ENV=production needs {', '.join(missing)}.")


def _fill_in_demo(config: dict[str, Any]) -> None:
    for name, value in DEMO.items():
        config[name] = config[name] or value
    if config["APP_ENV"] == "development":
        config["SECRET_KEY"] = config["SECRET_KEY"] or kept_secret(INSTANCE / "secret_key")
        config["WEBHOOK_SECRETS"] = config["WEBHOOK_SECRETS"] or [kept_secret(INSTANCE / "webhook_secret")]


def kept_secret(path: Path) -> str:
    """Return the secret in a file, made on first use; of several processes that start at once, one makes it."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        file.write(secret := secrets.token_urlsafe(32))
    return secret


def _database_url(url: str) -> str:
    """Name the driver that is installed, whatever form of the address was given."""
    for old in ("postgres://", "postgresql://"):
        if url.startswith(old):
            return f"postgresql+psycopg://{url.removeprefix(old)}"
    return url


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
