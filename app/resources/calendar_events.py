"""Calendar events: when something happens, once or again and again."""

from sqlalchemy import Boolean, Integer, String, Text
from sqlalchemy.orm import Mapped

from app.core.db import Json
from app.core.kinds import Prose
from app.core.reference import Reference
from app.core.resource import Synced, field
from app.core.typed import Choice, Count, Day, Days, Flag, Moment, TimeZone


class CalendarEvent(Synced):
    """A meeting, a call, a deadline: at a time, and by its rule at later ones."""

    __tablename__ = "calendar_events"
    crm_path = "/crm/calendar-events"

    title: Mapped[str] = field(String(200), example="Weekly call")
    description: Mapped[str | None] = field(Text(), kind=Prose, example="Numbers of the week.")
    type: Mapped[str] = field(
        String(16), kind=Choice.of("meeting", "call", "task", "reminder", "other"), default="other", example="call"
    )
    starts_at: Mapped[str] = field(String(24), kind=Moment, example="2026-03-02T09:00:00.000Z")
    ends_at: Mapped[str | None] = field(String(24), kind=Moment, example="2026-03-02T09:30:00.000Z")
    time_zone: Mapped[str] = field(String(64), kind=TimeZone, default="UTC", example="Europe/Berlin")
    all_day: Mapped[bool] = field(Boolean(), kind=Flag, default=False, example=False)
    recurrence: Mapped[str] = field(
        String(8),
        kind=Choice.of("none", "daily", "weekly", "monthly", "yearly"),
        default="none",
        example="weekly",
    )
    recurrence_until: Mapped[str | None] = field(String(10), kind=Day, example="2026-12-31")
    recurrence_count: Mapped[int | None] = field(Integer(), kind=Count, example=10)
    recurrence_exceptions: Mapped[list[str]] = field(Json, kind=Days, default=[], example=["2026-04-06"])
    client_id: Mapped[str | None] = field(String(36), kind=Reference.to("clients"))
    task_id: Mapped[str | None] = field(String(36), kind=Reference.to("tasks"))
