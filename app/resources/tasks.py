"""Tasks: what somebody has to do, by when."""

from typing import ClassVar

from sqlalchemy import Boolean, String, Text
from sqlalchemy.orm import Mapped

from app.core.kinds import Prose
from app.core.reference import Reference
from app.core.resource import Synced, field
from app.core.typed import Choice, Day, Flag, Moment
from app.resources.task_rules import RULES

Status = Choice.of("todo", "in-progress", "completed", aliases={"in_progress": "in-progress"})


class Task(Synced):
    """Something to do, for a project, a client or neither."""

    __tablename__ = "tasks"
    crm_path = "/crm/tasks"
    rules = RULES
    actions: ClassVar = {"assign": ("assignee_id",), "status": ("status",)}

    title: Mapped[str] = field(String(200), example="Call about the offer")
    description: Mapped[str | None] = field(Text(), kind=Prose, example="Ask for the budget.")
    type: Mapped[str] = field(
        String(16), kind=Choice.of("follow-up", "meeting", "call", "other"), default="other", example="call"
    )
    priority: Mapped[str] = field(String(8), kind=Choice.of("high", "medium", "low"), default="medium", example="high")
    status: Mapped[str] = field(String(16), kind=Status, default="todo", example="todo")
    project_id: Mapped[str | None] = field(String(36), kind=Reference.to("projects"))
    client_id: Mapped[str | None] = field(String(36), kind=Reference.to("clients"))
    assignee_id: Mapped[str | None] = field(String(36), kind=Reference.to("users"))
    due_date: Mapped[str | None] = field(String(10), kind=Day, example="2026-02-03")
    completed_at: Mapped[str | None] = field(String(24), kind=Moment, example="2026-02-02T16:00:00.000Z")
    add_to_calendar: Mapped[bool] = field(Boolean(), kind=Flag, crm=None, default=False, example=True)
