"""The CRM's records, typed: its own names for the fields, and Python's types for their values.

They say again what app/resources declares, because a program that only talks to a CRM needs none of that: no database,
no sync. A test holds the two against each other.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from app.crm.typed import CRMRecord


@dataclass(kw_only=True)
class User(CRMRecord):
    """A person who uses the application."""

    name: str
    email: str
    phone: str | None = None


@dataclass(kw_only=True)
class Contact(CRMRecord):
    """A person at a company or not, under this CRM's own names."""

    acme_first_name: str
    acme_last_name: str
    acme_email: str | None = None
    acme_phone: str | None = None
    acme_company: str | None = None
    acme_title: str | None = None
    acme_address: dict[str, Any] | None = field(default=None, metadata={"empty": ""})
    acme_notes: str | None = None
    acme_status: str | None = None
    acme_tags: list[str] | None = None
    acme_custom_fields: dict[str, Any] | None = None


@dataclass(kw_only=True)
class Client(CRMRecord):
    """A company or a person to do business with."""

    name: str
    email: str | None = None
    phone: str | None = None
    company: str | None = None
    lead: str | None = None
    status: str | None = None
    first_contact: date | None = None
    description_contact: str | None = None
    date_of_last_contact: date | None = None
    description_contact_more: str | None = None
    follow_up_action: str | None = None
    date_of_next_contact: date | None = None


@dataclass(kw_only=True)
class Interaction(CRMRecord):
    """One contact with a client: a call, a meeting, a letter."""

    client_id: str
    channel: str | None = None
    occurred_at: datetime
    summary: str | None = None
    follow_up_action: str | None = None
    date_of_next_contact: date | None = None


@dataclass(kw_only=True)
class Project(CRMRecord):
    """A piece of work with a beginning and an end."""

    name: str
    description: str | None = None
    status: str | None = field(default=None, metadata={"aliases": {"on_hold": "on-hold"}})
    priority: str | None = None
    client_id: str | None = None
    owner_id: str | None = None
    due_date: date | None = None


@dataclass(kw_only=True)
class Task(CRMRecord):
    """Something to do, for a project, a client or neither."""

    title: str
    description: str | None = None
    type: str | None = None
    priority: str | None = None
    status: str | None = field(default=None, metadata={"aliases": {"in_progress": "in-progress"}})
    project_id: str | None = None
    client_id: str | None = None
    assignee_id: str | None = None
    due_date: date | None = None
    completed_at: datetime | None = None


@dataclass(kw_only=True)
class Comment(CRMRecord):
    """A remark on a project, a task, a client, a contact or a user."""

    content: str
    entity_type: str
    entity_id: str
    author_id: str | None = None


@dataclass(kw_only=True)
class CalendarEvent(CRMRecord):
    """A meeting, a call, a deadline: at a time, and by its rule at later ones."""

    title: str
    description: str | None = None
    type: str | None = None
    starts_at: datetime
    ends_at: datetime | None = None
    time_zone: str | None = None
    all_day: bool | None = None
    recurrence: str | None = None
    recurrence_until: date | None = None
    recurrence_count: int | None = None
    recurrence_exceptions: list[str] | None = None
    client_id: str | None = None
    task_id: str | None = None
