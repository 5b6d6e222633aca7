"""The settings every test begins with, and the names that go with them."""

import os
from typing import Any

from app.core.resource import registry_of
from app.resources.users import User

USERS = registry_of(User)
"""The users alone: what most tests are about."""
POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql+psycopg://postgres@127.0.0.1:5432/test")
CRM_URL = "http://crm.example"
CRM_PATH = "/crm/users"
ANN = {"name": "Ann Example", "email": "ann@example.com", "phone": "123-456-7890"}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

SETTINGS: dict[str, Any] = {
    "APP_ENV": "testing",
    "TESTING": True,
    "CRM_API_URL": CRM_URL,
    "WEBHOOK_SECRETS": [SECRET],
    "WEBHOOK_UNSIGNED": True,
    "LOG_FILE": "",
    "CRM_PACE_FILE": "",
    "CRM_CALLS_AT_ONCE": 1,
    "SECRET_KEY": "only-for-tests",
}
