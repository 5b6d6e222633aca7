"""Comments: what somebody has to say about a record."""

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped

from app.core.kinds import Prose
from app.core.reference import Reference
from app.core.resource import Synced, field
from app.core.typed import Choice

ABOUT = {"project": "projects", "task": "tasks", "client": "clients", "contact": "contacts", "user": "users"}


class Comment(Synced):
    """A remark on a project, a task, a client, a contact or a user."""

    __tablename__ = "comments"
    crm_path = "/crm/comments"

    content: Mapped[str] = field(Text(), kind=Prose, example="The first milestone is reached.")
    entity_type: Mapped[str] = field(String(16), kind=Choice.of(*ABOUT), example="project")
    entity_id: Mapped[str] = field(String(36), kind=Reference.by("entity_type", ABOUT))
    author_id: Mapped[str | None] = field(String(36), kind=Reference.to("users"))
