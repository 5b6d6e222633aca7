"""Rules of tasks: when one was completed, and the calendar events that go with it."""

from collections.abc import Sequence

from app.core.record import Fields
from app.core.rules import Effect, Rules, Seen


def derive(before: Fields, after: Fields, now: str) -> Fields:
    """Note when a task was completed, unless the caller says when; one that is open again was not."""
    is_said = after["completed_at"] != before.get("completed_at")
    if is_said or after["status"] == before.get("status"):
        return {}
    return {"completed_at": now if after["status"] == "completed" else None}


def follow(seen: Seen) -> Sequence[Effect]:
    """Put a task into the calendar, and keep the events that are linked with it at its title and its day."""
    task = seen.after
    wanted = _event(seen.record_id, task) if task is not None and task["add_to_calendar"] else None

    def change(event: Fields) -> Fields | None:
        if event["type"] == "task" and wanted is None and _put_in(seen.before):
            return None
        if task is None or seen.before is None:
            return {}
        follows = {"title": event["title"] == seen.before["title"], "starts_at": _is_on(event, seen.before["due_date"])}
        now = {"title": task["title"], "starts_at": _start(task["due_date"])}
        return {name: now[name] for name, does in follows.items() if does and now[name] is not None}

    return [Effect("calendar-events", "task_id", seen.record_id, change, wanted)]


def _put_in(task: Fields | None) -> bool:
    """Tell whether a task was in the calendar because it asked for that."""
    return task is not None and task["add_to_calendar"] and task["due_date"] is not None


def _event(task_id: str, task: Fields) -> Fields | None:
    if task["due_date"] is None:
        return None
    about = {"title": task["title"], "client_id": task["client_id"], "task_id": task_id}
    return {**about, "type": "task", "starts_at": _start(task["due_date"]), "all_day": True}


def _start(day: str | None) -> str | None:
    return None if day is None else f"{day}T00:00:00.000Z"


def _is_on(event: Fields, day: str | None) -> bool:
    return day is not None and bool(event["all_day"]) and event["starts_at"] == _start(day)


RULES = Rules(derive=derive, follow=follow)
