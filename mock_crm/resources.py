"""Declares what this CRM keeps: the only file that knows a field's name."""

from mock_crm.fields import Field, Resource

RESOURCES: tuple[Resource, ...] = (
    Resource(
        "users",
        Field("name", max_length=200, required=True),
        Field("email", max_length=254, required=True, kind="email"),
        Field("phone", max_length=32, kind="tel"),
    ),
)
