"""The client for a CRM: the only folder that speaks HTTP to it."""

from app.crm.client import CRMClient
from app.crm.config import CRMConfig
from app.crm.dialect import Item, Page
from app.crm.errors import Conflict, CRMError, NotAsked, NotThere, OutcomeUnknown, Rejected, Unavailable

__all__ = [
    "CRMClient",
    "CRMConfig",
    "CRMError",
    "Conflict",
    "Item",
    "NotAsked",
    "NotThere",
    "OutcomeUnknown",
    "Page",
    "Rejected",
    "Unavailable",
]
