"""Calendar events: when something happens, once or again and again."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Boolean, Integer, String, Text
from sqlalchemy.orm import Mapped

from app.core.calendar import Occurs
from app.core.db import Json
from app.core.errors import Messages
from app.core.kinds import Prose
from app.core.reference import Reference
from app.core.resource import Synced, field
from app.core.typed import Choice, Count, Day, Days, Flag, Moment, TimeZone

OCCURS = Occurs(
    starts="starts_at",
    ends="ends_at",
    zone="time_zone",
    whole_days="all_day",
    repeats="recurrence",
    until="recurrence_until",
    count="recurrence_count",
    exceptions="recurrence_exceptions",
    title="title",
    text="description",
)


def ends_after_its_start(fields: Mapping[str, Any]) -> Messages:
    if fields["ends_at"] is not None and fields["ends_at"] < fields["starts_at"]:
        return {"ends_at": ["Must not be before starts_at."]}
    return {}


def recurs_by_one_rule(fields: Mapping[str, Any]) -> Messages:
    given = [name for name in ("recurrence_until", "recurrence_count") if fields[name] is not None]
    if fields["recurrence"] == "none":
        return {name: ["Is given without a recurrence."] for name in given}
    if len(given) > 1:
        return {"recurrence_count": ["Must not be given with recurrence_until."]}
    return {}


def recurs_until_its_start_or_later(fields: Mapping[str, Any]) -> Messages:
    if fields["recurrence_until"] is not None and OCCURS.rule(fields).ends_before_it_starts:
        return {"recurrence_until": ["Must not be before the day of starts_at."]}
    return {}


class CalendarEvent(Synced):
    """A meeting, a call, a deadline: at a time, and by its rule at later ones."""

    __tablename__ = "calendar_events"
    crm_path = "/crm/calendar-events"
    occurs = OCCURS
    checks = (ends_after_its_start, recurs_by_one_rule, recurs_until_its_start_or_later)

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
