"""Makes records of any resource of the mock CRM from what it declares: one good value for each kind of field."""

from collections.abc import Callable
from typing import Any

from mock_crm.fields import Resource
from mock_crm.kinds import Choice, Date, Flag, Kind, Listed, Object, Reference, Time, Whole
from mock_crm.resources import BY_NAME
from mock_crm.texts import Email, Phone, Prose, Text

VALUES: dict[type[Kind], Any] = {
    Text: "Zoë, <b>first</b>",
    Prose: "\nOne line,\n  another.",
    Email: "zoe@example.com",
    Phone: "+49 30 1234",
    Flag: True,
    Whole: 10,
    Date: "2026-01-31",
    Time: "2026-03-02T09:30:07.250Z",
    Object: {"street": "1 Main St", "floors": [1, {"lift": True}], "note": None},
}


def value(kind: Kind, other: Callable[[str], str], default: Any = None) -> Any:
    """A good value, which is no default; `other` makes a record of another resource and gives its id."""
    if isinstance(kind, Choice):
        return [word for word, _ in kind.options if word != default][-1]
    if isinstance(kind, Listed):
        return [value(kind.of, other)]
    if isinstance(kind, Reference):
        return other(list(kind.targets.values())[-1])
    return VALUES[type(kind)]


def minimal(resource: Resource, other: Callable[[str], str]) -> dict[str, Any]:
    return {each.name: value(each.kind, other) for each in resource.fields if each.required}


def whole(resource: Resource, other: Callable[[str], str]) -> dict[str, Any]:
    return {each.name: value(each.kind, other, each.default) for each in resource.fields}


def maker(crm: Any) -> Callable[..., str]:
    """What makes records over HTTP: by the name of the resource, with what it needs and what is given; their ids."""

    def make(name: str, **given: Any) -> str:
        answer = crm.post(f"/crm/{name}", json={**minimal(BY_NAME[name], make), **given})
        assert answer.status_code == 201, answer.json
        return answer.json["crm_id"]

    return make
