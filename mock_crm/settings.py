"""Reads the settings of the mock CRM from what the caller gives and from the environment."""

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Settings:
    """Each is `MOCK_CRM_` + its name in the environment; what the caller of create_app() gives comes first."""

    database: Path
    rate_limit: int
    """Calls a minute; 0 is no limit."""
    faults: bool
    token_ttl: int
    """Seconds an access token is good for."""
    webhook_pause: float
    """Seconds before a failed webhook is tried the second time; each further pause is twice as long."""
    client_id: str
    client_secret: str
    username: str
    password: str
    api_key: str
    clock: Callable[[], float]
    """Unix seconds. Only a caller can give another one."""

    @classmethod
    def read(cls, given: Mapping[str, Any] | None = None) -> Self:
        source = {**os.environ, **(given or {})}

        def value(name: str, default: Any) -> Any:
            return source.get(f"MOCK_CRM_{name}", default)

        return cls(
            database=Path(value("DATABASE", "instance/mock_crm.db")),
            rate_limit=int(value("RATE_LIMIT", 0)),
            faults=str(value("FAULTS", "0")).lower() in {"1", "true", "yes", "on"},
            token_ttl=int(value("TOKEN_TTL", 3600)),
            webhook_pause=float(value("WEBHOOK_PAUSE", 1)),
            client_id=str(value("CLIENT_ID", "demo-client")),
            client_secret=str(value("CLIENT_SECRET", "demo-secret")),
            username=str(value("USERNAME", "demo")),
            password=str(value("PASSWORD", "demo-password")),
            api_key=str(value("API_KEY", "demo-api-key")),
            clock=value("CLOCK", time.time),
        )
