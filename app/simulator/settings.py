"""What the service of a history is configured with."""

from typing import Any

from app.simulator.history import Setting

URL = "http://crm.example"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105
FORGED = "whsec_Zm9yZ2VkZm9yZ2VkZm9yZ2VkZm9yZ2Vk"
ALWAYS: dict[str, Any] = {
    "APP_ENV": "testing", "TESTING": True, "CRM_API_URL": URL, "CRM_PACE_FILE": "", "CRM_CALLS_AT_ONCE": 1,
    "CRM_AUTH_TYPE": "oauth", "WEBHOOK_SECRETS": [SECRET], "WEBHOOK_UNSIGNED": False, "LOG_FILE": "",
    "LOG_LEVEL": "CRITICAL", "SECRET_KEY": "simulated", "API_TOKENS": [],
}  # fmt: skip


def settings_of(setting: Setting) -> dict[str, Any]:
    """Return the settings that differ from history to history."""
    return {
        "CONFLICT_POLICY": setting.policy,
        "SYNC_MODE": "inline" if setting.inline else "worker",
        "SYNC_DELETED": setting.deletes,
    }
