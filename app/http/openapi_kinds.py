"""What each kind of field says of its values, for the OpenAPI document."""

from typing import Any

from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow.fields import Field as Member

from app.core.field import Field
from app.core.kinds import Email, Kind, Phone, Prose, Text
from app.core.reference import Reference
from app.core.typed import Choice, Count, Day, Days, Flag, Moment, Names, TimeZone
from app.http.paging import LONGEST_TEXT

Doc = dict[str, Any]
_PLAIN = r"[^\x00-\x1f\x7f-\x9f]"
_LINES = r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
PLAIN = f"^{_PLAIN}*$"
"""One line: no control characters."""
FILLED = rf"^{_PLAIN}*[^\s\x00-\x1f\x7f-\x9f]{_PLAIN}*$"
"""One line that is not blank."""
LINES = f"^{_LINES}*$"
FILLED_LINES = rf"^{_LINES}*[^\s\x00-\x1f\x7f-\x9f]{_LINES}*$"
FORMATS: dict[type[Kind], str] = {
    Email: "idn-email", Phone: "phone-number", Day: "date", Moment: "date-time", Reference: "uuid",
    TimeZone: "iana-time-zone",
}  # fmt: skip
OF_FIXED_FORM = (Choice, Day, Moment, Reference, TimeZone)
"""Kinds whose values are as long as they are: the length of the column says nothing more."""
OF_WRITING = ("pattern", "default", "minItems")
"""What is said of a value that is written, and not of one that is shown."""


def spelling(_converter: OpenAPIConverter, member: Member[Any], **_: Any) -> Doc:
    """Return what the values of a member must look like, beside what marshmallow's own fields say."""
    for kind, name in FORMATS.items():
        if isinstance(member, kind):
            return {"format": name}
    if isinstance(member, Count):
        return {"minimum": 1, "maximum": member.most}
    if isinstance(member, Days):
        return {"items": {"type": "string", "format": "date"}, "maxItems": member.MOST}
    if isinstance(member, Names):
        word = {"type": "string", "minLength": 1, "maxLength": member.LONGEST, "pattern": FILLED}
        return {"items": word, "maxItems": member.MOST}
    if isinstance(member, Prose):
        return {"pattern": FILLED_LINES if member.required else LINES}
    return {"pattern": FILLED if member.required else PLAIN} if type(member) is Text else {}


def written(field: Field, member: Doc, *, whole: bool) -> Doc:
    """Return the schema of a field as it is written; with `whole`, of one that is left out has its default."""
    found = {**member, "description": _description(field)}
    if issubclass(field.kind, OF_FIXED_FORM):
        found.pop("maxLength", None)
    if field.nullable and "enum" in found:
        found["enum"] = [*(one for one in found["enum"] if one is not None), None]
    if field.required and issubclass(field.kind, Text) and not issubclass(field.kind, OF_FIXED_FORM):
        found["minLength"] = 1
    if whole and field.default is not None:
        found["default"] = field.absent()
    return found | ({"x-unique": True} if field.unique else {})


def shown(member: Doc) -> Doc:
    """Return the schema of a field as it is shown: the CRM's values may be spelled in other ways."""
    found = {key: said for key, said in member.items() if key not in OF_WRITING}
    if found.get("type") == "array":
        found["items"] = {key: said for key, said in found["items"].items() if key != "pattern"}
    return found


def filter_by(field: Field) -> Doc:
    """Return the schema of a query parameter that a listing is filtered by."""
    kind = Text if field.unique else field.kind
    if issubclass(kind, Choice):
        return {"type": "string", "enum": list(kind.choices)}
    if issubclass(kind, Flag):
        return {"type": "boolean"}
    if issubclass(kind, Count):
        return {"type": "integer", "minimum": 1, "maximum": kind.most}
    if issubclass(kind, Email | Phone | Day | Moment | Reference | TimeZone):
        return {"type": "string", "format": next(name for one, name in FORMATS.items() if issubclass(kind, one))}
    return {"type": "string", "maxLength": LONGEST_TEXT, "pattern": PLAIN}


def _description(field: Field) -> str:
    kind = field.kind
    found = [(kind.__doc__ or "").partition("\n")[0]]
    if field.reference:
        found = [f"The id of a record among the {_among(field.reference)}. The CRM is told its `crm_id`."]
    if issubclass(kind, Choice) and kind.aliases:
        found += [f"`{alias}` is read as `{word}`." for alias, word in kind.aliases.items()]
    if field.unique:
        found.append("No two live records share it, in any letter case.")
    if field.crm is None:
        found.append("Stays here: the CRM never hears of it.")
    return " ".join(found)


def _among(kind: type[Reference]) -> str:
    if kind.beside is None:
        return kind.targets[""]
    return f"{', '.join(kind.targets.values())}, whichever `{kind.beside}` says"
