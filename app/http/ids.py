"""Ids in paths: UUIDs, in the form in which they are stored; what is no UUID is another address, or none."""

import re

from werkzeug.routing import BaseConverter, Map, UUIDConverter

ID = "id"
_UUID = re.compile(UUIDConverter.regex)


class Id(BaseConverter):
    """`/users/<id:record_id>` leaves `/users/batch` alone: a GET of that is a 405, no search for a record."""

    regex = UUIDConverter.regex

    def to_python(self, value: str) -> str:
        return value.lower()


def is_id(value: object) -> bool:
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def register(routes: Map) -> None:
    """Let routes speak of ids."""
    routes.converters[ID] = Id
