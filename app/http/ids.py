"""Ids in paths: UUIDs, in the form in which they are stored; what is no UUID is another address, or none."""

from werkzeug.routing import BaseConverter, Map, UUIDConverter

ID = "id"


class Id(BaseConverter):
    """`/users/<id:record_id>` leaves `/users/batch` alone: a GET of that is a 405, no search for a record."""

    regex = UUIDConverter.regex

    def to_python(self, value: str) -> str:
        return value.lower()


def register(routes: Map) -> None:
    """Let routes speak of ids."""
    routes.converters[ID] = Id
