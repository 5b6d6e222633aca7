"""Which column of a file is which field: by its name, however it is spelled, or as the caller maps it."""

import re
from collections.abc import Mapping, Sequence

from app.core.errors import Invalid
from app.core.resource import Resource

_PASSED_OVER = re.compile(r"[\s_-]+")


def bare(name: str) -> str:
    """Return the form in which names are compared: any letter case, without spaces, dashes and underscores."""
    return _PASSED_OVER.sub("", name.casefold())


class Names:
    """Finds the field for the name of a column. A field that is mapped is looked for under that name only."""

    def __init__(self, resource: Resource, mapped: Mapping[str, str] | None = None) -> None:
        """`mapped` is column → field. Raises Invalid when there is no such field, or a field is mapped twice."""
        self._resource = resource
        self.mapped = dict(mapped or {})
        fields = list(self.mapped.values())
        for name in fields:
            if name not in resource.fields:
                raise Invalid(f"There is no field {name!r}. There are: {', '.join(resource.fields)}.")
            if fields.count(name) > 1:
                raise Invalid(f"Two columns are mapped to {name}.")
        self._known = {bare(name): name for name in resource.fields if name not in fields}
        self._known |= {bare(column): name for column, name in self.mapped.items()}

    def field(self, column: str) -> str | None:
        return self._known.get(bare(column))

    def match(self, header: Sequence[str]) -> list[str | None]:
        """Return the field of each column, None for what is no field. Raises Invalid when that cannot be a record."""
        found = [self.field(column) for column in header]
        there = {bare(column) for column in header}
        absent = [column for column in self.mapped if bare(column) not in there]
        if absent:
            raise Invalid(f"There is no column {', '.join(absent)}. There are: {', '.join(header)}.")
        twice = sorted({name for name in found if name is not None and found.count(name) > 1})
        if twice:
            raise Invalid(f"Two columns are {', '.join(twice)}. Map the one that is meant.")
        missing = [name for name, one in self._resource.fields.items() if one.required and name not in found]
        if missing:
            raise Invalid(
                f"No column is {', '.join(missing)}. There are: {', '.join(header)}. Map the one that is meant."
            )
        return found
