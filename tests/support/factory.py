"""Records of any declared resource, made from its declaration: whole ones, with parents that are there."""

import itertools

from app.core.kinds import Email, Phone, Prose
from app.core.typed import Address, Choice, Count, Day, Days, Flag, Free, Moment, Names, TimeZone
from app.resources import REGISTRY

_numbers = itertools.count(1)
VALUES = {
    Flag: [True, False],
    Count: [3, 5],
    Day: ["2026-02-03", "2026-02-04"],
    Moment: ["2026-02-03T09:00:00.000Z", "2026-02-03T10:00:00.000Z"],
    TimeZone: ["Europe/Berlin", "UTC"],
    Days: [["2026-02-10"], ["2026-02-10", "2026-02-17"]],
    Names: [["vip", "new"], ["old"]],
    Address: [{"street": "1 Main St", "city": "Springfield"}, {}],
    Free: [{"shirt": "M", "sizes": [1, 2]}, {"shirt": None}],
    Phone: ["555-987-6543", "555-111-2222"],
    Prose: ["Two lines\nof text.", "One line."],
}
LATEST = "2026-02-04T00:00:00.000Z"
LEFT_OUT = {"recurrence_until", "recurrence_count"}
"""Fields that only go with others."""


def values(field):
    """Return two values that a field takes; new ones each time where no two records may share them."""
    kind = field.kind
    if issubclass(kind, Choice):
        return list(kind.choices[:2])
    if issubclass(kind, Email):
        return [f"one{next(_numbers)}@example.com", f"two{next(_numbers)}@example.com"]
    for one, some in VALUES.items():
        if issubclass(kind, one):
            return some
    return ["Straße & Söhne", "Other"]


class Factory:
    """Makes records over the API."""

    def __init__(self, client):
        self._client = client
        self._parents = {}

    def draft(self, resource):
        """Return all fields of a record that may be made, references to new parents included."""
        fields = {}
        for name, field in resource.fields.items():
            if name in LEFT_OUT or field.reference:
                continue
            fields[name] = values(field)[0]
        if resource.occurs is not None:
            fields[resource.occurs.ends] = LATEST
        for name, kind in resource.references.items():
            parent = kind.target(fields)
            fields[name] = self._parent(REGISTRY[parent])
        return fields

    def _parent(self, resource):
        """Return a record to refer to, the same one each time."""
        if resource.name not in self._parents:
            self._parents[resource.name] = self.make(resource)["id"]
        return self._parents[resource.name]

    def make(self, resource, **more):
        answer = self._client.post(f"/{resource.name}", json=self.draft(resource) | more)
        assert answer.status_code == 201, answer.text
        return answer.json


def editable(resource):
    """Return the fields that both sides know and that stand for themselves."""
    return [field for name, field in resource.fields.items()
            if field.crm and not field.reference and name not in LEFT_OUT and name != "completed_at"
            and not _is_named(resource, name) and not _ends(resource, name)]  # fmt: skip


def _ends(resource, name):
    """Tell whether a field may not come before another one."""
    return resource.occurs is not None and name == resource.occurs.ends


def _is_named(resource, name):
    """Tell whether a field says what another one refers to."""
    return any(kind.beside == name for kind in resource.references.values())
