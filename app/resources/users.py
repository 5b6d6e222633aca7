"""Users of the application."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped

from app.core.kinds import Email, Phone
from app.core.resource import Synced, field


class User(Synced):
    """A person who uses the application."""

    __tablename__ = "users"
    crm_path = "/crm/users"

    name: Mapped[str] = field(String(200), example="John Smith")
    email: Mapped[str] = field(String(254), kind=Email, unique=True, example="john.smith@example.com")
    phone: Mapped[str | None] = field(String(32), kind=Phone, example="123-456-7890")
