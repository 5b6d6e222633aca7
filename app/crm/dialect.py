"""One CRM's dialect: its paths, envelopes, cursors, batch form and error shapes. Another CRM is another such file."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from app.core.kinds import parse_time
from app.core.record import Snapshot, Stamp
from app.crm.errors import NotThere

TOKEN_PATH = "/crm/token"  # noqa: S105
LOGIN_PATH = "/crm/auth/login"
REFRESH_PATH = "/crm/auth/refresh"
WEBHOOKS_PATH = "/crm/webhooks"
ENVELOPE = frozenset({"crm_id", "external_id", "version", "updated_at", "deleted", "merged_into", "fields"})
LONGEST_BATCH = 1000
LONGEST_WORDS = 500
LONGEST_CODE = 100
LONGEST_ID = 255
LONGEST_CURSOR = 2000


class Malformed(ValueError):
    """The answer is not what this call is answered with."""


@dataclass(frozen=True)
class Page:
    """One page of the change feed. `unreadable` counts entries without an id, which nothing can be done with."""

    items: list[Snapshot]
    cursor: str | None
    has_more: bool
    unreadable: int = 0


@dataclass(frozen=True)
class Listed:
    """One page of a listing by page number; a number is None where the CRM does not give it."""

    items: list[Snapshot]
    page: int | None
    per_page: int | None
    total: int | None
    pages: int | None


@dataclass(frozen=True)
class Item:
    """One write of a batch: without a crm_id a create, which needs an external_id; else an update at `version`.

    `fields` are by the CRM's names. A `version` of None allows whatever the record is at.
    """

    fields: Mapping[str, Any]
    external_id: str | None = None
    crm_id: str | None = None
    version: int | None = None

    @property
    def name(self) -> tuple[str, str | None]:
        """What the CRM must call the record in the item's result, if it names it."""
        return ("external_id", self.external_id) if self.crm_id is None else ("crm_id", self.crm_id)


def resource_path(version: str, name: str) -> str:
    """Return where a resource is in a version of the API."""
    return f"/api/{version}/{name}"


def record_path(path: str, crm_id: str) -> str:
    """Return where a record is. Raises NotThere for an id that no record can have."""
    if identity(crm_id) is None:
        raise NotThere("The CRM cannot have a record with such an id.")
    return f"{path}/{quote(crm_id, safe='')}"


def created(fields: Mapping[str, Any], external_id: str | None) -> dict[str, Any]:
    """Return the body that creates a record; our id travels along, so that it can be found again."""
    return {**fields, **({} if external_id is None else {"external_id": external_id})}


def batch_path(path: str) -> str:
    return f"{path}/batch"


def batched(items: Iterable[Item]) -> dict[str, Any]:
    """Return the body of a batch. Version 0 is that of no record: a create must not change one that there is."""
    return {"items": [_batched(item) for item in items]}


def _batched(item: Item) -> dict[str, Any]:
    name, known = item.name
    version = 0 if item.crm_id is None else item.version
    return {**item.fields, name: known, **({} if version is None else {"if_version": version})}


def results(body: bytes) -> list[object]:
    """Read what a batch is answered with, one entry for each item. Raises Malformed."""
    found = parse(body).get("results")
    if not isinstance(found, list):
        raise Malformed("The answer holds no results.")
    return found


def changes_since(cursor: str | None, limit: int) -> dict[str, str]:
    return {"limit": str(limit)} | ({} if cursor is None else {"updated_since": cursor})


def page_number(page: int, per_page: int) -> dict[str, str]:
    return {"page": str(page), "per_page": str(per_page)}


def with_external_id(external_id: str) -> dict[str, str]:
    return {"external_id": external_id}


def if_match(version: int | None) -> dict[str, str]:
    return {} if version is None else {"If-Match": f'"{version}"'}


def parse(body: bytes) -> dict[str, Any]:
    """Read a JSON object. Raises Malformed."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Malformed("The answer is not JSON.") from error
    if not isinstance(value, dict):
        raise Malformed("The answer is not a JSON object.")
    return value


def snapshot(value: object, *, asked: str | None = None) -> Snapshot:
    """Read one record as the CRM shows it. Raises Malformed, also when it is another record than was `asked` for."""
    if not isinstance(value, dict):
        raise Malformed("The record is not a JSON object.")
    crm_id = identity(value.get("crm_id"))
    if crm_id is None:
        raise Malformed("The record has no crm_id.")
    if asked is not None and crm_id != asked:
        raise Malformed(f"The answer speaks of {crm_id}, not of {asked}.")
    nested = value.get("fields")
    if value.get("error") and not isinstance(nested, dict):
        raise Malformed("The answer says both yes and that there was an error.")
    fields = nested if isinstance(nested, dict) else {k: v for k, v in value.items() if k not in ENVELOPE}
    return Snapshot(
        crm_id=crm_id,
        external_id=identity(value.get("external_id")),
        fields=fields,
        stamp=Stamp(version_of(value.get("version")), parse_time(value.get("updated_at"))),
        deleted=value.get("deleted") is True,
        merged_into=merged_into(value),
    )


def merged_into(value: Mapping[str, Any]) -> str | None:
    """Return the id of the record that a deleted one lives on in."""
    return identity(value.get("merged_into"))


def acknowledged(body: bytes, *, asked: str | None = None) -> None:
    """Check a yes that need not say anything, as after a deletion. Raises Malformed when it is not clearly one."""
    if not body.strip():
        return
    value = parse(body)
    if value.get("error") or identity(value.get("crm_id", asked)) != asked:
        raise Malformed("The answer is no plain yes.")


def page(body: bytes) -> Page:
    """Read one page of the change feed. Raises Malformed."""
    value = parse(body)
    items, unreadable = _snapshots(value)
    cursor, has_more = _plain(value.get("next_cursor"), LONGEST_CURSOR), value.get("has_more") is True
    if has_more and cursor is None:
        raise Malformed("There is more, and no readable cursor for it.")
    return Page(items, cursor, has_more, unreadable)


def listed(body: bytes) -> Listed:
    """Read one page of a listing by page number. Raises Malformed."""
    value = parse(body)
    live = [item for item in _snapshots(value)[0] if not item.deleted]
    return Listed(live, *(version_of(value.get(name)) for name in ("page", "per_page", "total", "pages")))


def _snapshots(value: Mapping[str, Any]) -> tuple[list[Snapshot], int]:
    """Return the records of a page, and how many entries are none."""
    entries = value.get("items")
    if not isinstance(entries, list):
        raise Malformed("The page has no items.")
    items, unreadable = [], 0
    for entry in entries:
        try:
            items.append(snapshot(entry))
        except Malformed:
            unreadable += 1
    return items, unreadable


def identity(value: object) -> str | None:
    """Return an id as text; None for what cannot be one. A path of dots would be another address."""
    text = _plain(value, LONGEST_ID)
    return None if text in {".", ".."} else text


def _plain(value: object, longest: int) -> str | None:
    """Return a short text as it can be stored and sent: no controls, no lone surrogates; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value)
    return text if text.strip() and text.isprintable() and len(text) <= longest else None


def version_of(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < 2**63 else None


def words(status: int, value: Mapping[str, Any]) -> tuple[str | None, str]:
    """Return the code and the sentence in which the CRM says what went wrong."""
    code = value.get("error") or value.get("code")
    message = value.get("message") or value.get("detail") or value.get("error_description")
    parts = [part for part in (code, message) if isinstance(part, str)]
    if isinstance(value.get("errors"), dict):
        parts.append(_written(value["errors"]))
    sentence = _legible(": ".join(parts), LONGEST_WORDS) or f"The CRM answered {status}."
    return (_legible(code, LONGEST_CODE) if isinstance(code, str) else None), sentence


def _written(errors: dict[str, Any]) -> str:
    try:
        return json.dumps(errors, ensure_ascii=False)
    except RecursionError:
        return ""


def _legible(text: str, longest: int) -> str:
    """Return text that a database takes and a person can read: no NUL, no lone surrogates."""
    return "".join(each if each.isprintable() else " " for each in text[:longest]).strip()
