"""Clients: whom we sell to, and how warm they are."""

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped

from app.core.kinds import Email, Phone, Prose
from app.core.resource import Synced, field
from app.core.rules import Rules
from app.core.typed import Choice, Day


class Client(Synced):
    """A company or a person that we do business with, or would like to."""

    __tablename__ = "clients"
    crm_path = "/crm/clients"
    rules = Rules(announced=("lead",))

    name: Mapped[str] = field(String(200), example="Innovative Tech")
    email: Mapped[str | None] = field(String(254), kind=Email, example="office@example.com")
    phone: Mapped[str | None] = field(String(32), kind=Phone, example="555-111-2222")
    company: Mapped[str | None] = field(String(200), example="Innovative Tech Inc")
    lead: Mapped[str] = field(String(8), kind=Choice.of("cold", "warm", "hot"), default="cold", example="warm")
    status: Mapped[str] = field(
        String(16), kind=Choice.of("active", "inactive", "archived"), default="active", example="active"
    )
    first_contact: Mapped[str | None] = field(String(10), kind=Day, example="2026-01-15")
    description_contact: Mapped[str | None] = field(Text(), kind=Prose, example="Asked for an offer.")
    date_of_last_contact: Mapped[str | None] = field(String(10), kind=Day, example="2026-01-20")
    description_contact_more: Mapped[str | None] = field(Text(), kind=Prose, example="Wants to see a demo.")
    follow_up_action: Mapped[str | None] = field(String(500), example="Send the contract.")
    date_of_next_contact: Mapped[str | None] = field(String(10), kind=Day, example="2026-02-03")
