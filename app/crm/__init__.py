"""The client for a CRM: the only folder that speaks HTTP to it. It works without the rest of the service."""

from app.crm.client import CRMClient
from app.crm.config import CRMConfig
from app.crm.dialect import Item, Page
from app.crm.errors import (
    CircuitOpen,
    Conflict,
    CRMError,
    NotAsked,
    NoToken,
    NotThere,
    OutcomeUnknown,
    Rejected,
    Unavailable,
)
from app.crm.health import Health
from app.crm.listing import Listing
from app.crm.types import CalendarEvent, Client, Comment, Contact, Interaction, Project, Task, User

__all__ = [
    "CRMClient",
    "CRMConfig",
    "CRMError",
    "CalendarEvent",
    "CircuitOpen",
    "Client",
    "Comment",
    "Conflict",
    "Contact",
    "Health",
    "Interaction",
    "Item",
    "Listing",
    "NoToken",
    "NotAsked",
    "NotThere",
    "OutcomeUnknown",
    "Page",
    "Project",
    "Rejected",
    "Task",
    "Unavailable",
    "User",
]
