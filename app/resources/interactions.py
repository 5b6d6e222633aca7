"""Interactions: the communication history of a client."""

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped

from app.core.kinds import Prose
from app.core.reference import Reference
from app.core.resource import Synced, field
from app.core.typed import Choice, Day, Moment
from app.resources.interaction_rules import RULES

Channel = Choice.of("call", "email", "meeting", "message", "other")


class Interaction(Synced):
    """One contact with a client: a call, a meeting, a letter."""

    __tablename__ = "interactions"
    crm_path = "/crm/interactions"
    rules = RULES

    client_id: Mapped[str] = field(String(36), kind=Reference.to("clients"))
    channel: Mapped[str] = field(String(16), kind=Channel, default="other", example="call")
    occurred_at: Mapped[str] = field(String(24), kind=Moment, example="2026-01-20T09:30:00.000Z")
    summary: Mapped[str | None] = field(Text(), kind=Prose, example="Talked about the offer.")
    follow_up_action: Mapped[str | None] = field(String(500), example="Send the contract.")
    date_of_next_contact: Mapped[str | None] = field(String(10), kind=Day, example="2026-02-03")
