"""Contacts, as a CRM keeps them under names of its own."""

from typing import Any

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped

from app.core.db import Json
from app.core.kinds import Email, Phone, Prose
from app.core.resource import Synced, field
from app.core.typed import Address, Choice, Free, Names

Status = Choice.of(
    "active", "inactive", "archived", crm={"active": "Active", "inactive": "Inactive", "archived": "Archived"}
)


class Contact(Synced):
    """A person we know, at a company or not."""

    __tablename__ = "contacts"
    crm_path = "/crm/contacts"

    first_name: Mapped[str] = field(String(100), crm="acme_first_name", example="Jane")
    last_name: Mapped[str] = field(String(100), crm="acme_last_name", example="Smith")
    email: Mapped[str | None] = field(
        String(254), kind=Email, crm="acme_email", unique=True, example="jane.smith@example.com"
    )
    phone: Mapped[str | None] = field(String(32), kind=Phone, crm="acme_phone", example="555-987-6543")
    company: Mapped[str | None] = field(String(200), crm="acme_company", example="Tech Corp")
    title: Mapped[str | None] = field(String(200), crm="acme_title", example="Product Manager")
    address: Mapped[dict[str, Any]] = field(
        Json, kind=Address, crm="acme_address", default={}, example={"street": "1 Main St", "city": "Springfield"}
    )
    notes: Mapped[str] = field(Text(), kind=Prose, crm="acme_notes", default="", example="Met at the fair.")
    status: Mapped[str] = field(String(16), kind=Status, crm="acme_status", default="active", example="active")
    tags: Mapped[list[str]] = field(Json, kind=Names, crm="acme_tags", default=[], example=["customer"])
    custom_fields: Mapped[dict[str, Any]] = field(
        Json, kind=Free, crm="acme_custom_fields", default={}, example={"shirt": "M"}
    )
    source: Mapped[str | None] = field(String(100), crm=None, example="acmecrm")
    source_id: Mapped[str | None] = field(String(200), crm=None, example="contact-2")
