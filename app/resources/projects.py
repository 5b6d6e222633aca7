"""Projects: what is done for a client."""

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped

from app.core.kinds import Prose
from app.core.reference import Reference
from app.core.resource import Synced, field
from app.core.typed import Choice, Day

Status = Choice.of("planned", "active", "on-hold", "completed", "cancelled", aliases={"on_hold": "on-hold"})


class Project(Synced):
    """A piece of work with a beginning and an end."""

    __tablename__ = "projects"
    crm_path = "/crm/projects"

    name: Mapped[str] = field(String(200), example="Website relaunch")
    description: Mapped[str | None] = field(Text(), kind=Prose, example="New design, same content.")
    status: Mapped[str] = field(String(16), kind=Status, default="active", example="active")
    priority: Mapped[str] = field(String(8), kind=Choice.of("high", "medium", "low"), default="medium", example="high")
    client_id: Mapped[str | None] = field(String(36), kind=Reference.to("clients"))
    owner_id: Mapped[str | None] = field(String(36), kind=Reference.to("users"))
    due_date: Mapped[str | None] = field(String(10), kind=Day, example="2026-06-30")
