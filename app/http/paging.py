"""Pages of a listing: the query parameters in, `pagination` and `Link` out."""

import base64
import binascii
import json
import math
from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Response, jsonify, request
from marshmallow import ValidationError

from app.core.errors import Invalid, Messages
from app.core.field import Field
from app.core.kinds import format_time, is_plain, parse_time
from app.core.occurrences import DAY, Window, plus
from app.core.resource import Resource
from app.core.schema import summary
from app.core.typed import is_day
from app.services.listings import Found, Wanted

PER_PAGE, MOST = 20, 100
LAST_PAGE = 10**9
STATUSES = ("pending", "synced", "failed", "conflict")
SORTS = ("last_updated", "created_at", "sync_status")
PAGING = ("page", "per_page", "cursor")
WINDOW = ("from", "to")
LONGEST_WINDOW = timedelta(days=366)
LONGEST_TEXT = 300
LONGEST_NUMBER = 20


class Query:
    """Reads query parameters one by one and complains of all that are wrong together."""

    def __init__(self, allowed: Collection[str], repeatable: Collection[str] = ()) -> None:
        self.errors: Messages = {}
        self._values: Mapping[str, str] = request.args
        for name in request.args:
            if name not in allowed:
                self.errors[name] = ["Unknown parameter."]
            elif len(request.args.getlist(name)) > 1 and name not in repeatable:
                self.errors[name] = ["Give it once."]

    def number(self, name: str, default: int, most: int) -> int:
        text = self._values.get(name)
        if text is None:
            return default
        number = int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else 0
        if not 1 <= number <= most:
            self.errors[name] = [f"Must be a number from 1 to {most}."]
            return default
        return number

    def choice(self, name: str, choices: Collection[str], default: str | None = None) -> str | None:
        text = self._values.get(name, default)
        if text is not None and text not in choices:
            self.errors[name] = [f"Must be one of: {', '.join(choices)}."]
            return default
        return text

    def choices(self, name: str, choices: Collection[str]) -> list[str]:
        """Read a parameter that may be given again; all of the choices when it is left out."""
        given = list(dict.fromkeys(request.args.getlist(name))) or list(choices)
        if not set(given) <= set(choices):
            self.errors[name] = [f"Must be one of: {', '.join(choices)}."]
            return list(choices)
        return given

    def text(self, name: str) -> str | None:
        text = self._values.get(name)
        if text is not None and (len(text) > LONGEST_TEXT or not is_plain(text)):
            self.errors[name] = [f"Must be up to {LONGEST_TEXT} characters, and no control characters."]
            return None
        return text

    def value(self, field: Field) -> Any:
        """Read a value of a declared field, to filter by; an empty text filters nothing."""
        text = self.text(field.name)
        if text is None or field.unique:
            return text
        try:
            return field.kind.member().deserialize(field.kind.from_text(text))
        except ValidationError as error:
            self.errors[field.name] = [str(message) for message in error.messages]
            return None

    def time(self, name: str) -> datetime | None:
        text = self._values.get(name)
        moment = None if text is None else parse_time(text.replace(" ", "+"))
        if text is not None and moment is None:
            self.errors[name] = ["Must be a time such as 2026-01-31T12:00:00Z."]
        return moment

    def window(self) -> Window | None:
        """Read `from` and `to`, which come together; a day is one in UTC, and a last day is part of the window."""
        if not any(name in self._values for name in WINDOW):
            return None
        self.errors |= {name: ["Give from and to together."] for name in WINDOW if name not in self._values}
        for name in ("cursor", "sort"):
            if name in self._values:
                self.errors[name] = ["Is not taken with from and to: occurrences come by their start."]
        since, until = self._edge("from", timedelta()), self._edge("to", DAY)
        if since is None or until is None:
            return None
        if not timedelta() < until - since <= LONGEST_WINDOW:
            self.errors["to"] = [f"Must be after from, by {LONGEST_WINDOW.days} days at most."]
        return Window(since, until)

    def _edge(self, name: str, day: timedelta) -> datetime | None:
        text = self._values.get(name)
        if text is not None and is_day(text):
            return plus(datetime.combine(date.fromisoformat(text), time(), UTC), day)
        moment = None if text is None else parse_time(text.replace(" ", "+"))
        if text is not None and moment is None:
            self.errors[name] = ["Must be a day such as 2026-01-31, or a time such as 2026-01-31T12:00:00Z."]
        return moment

    def finish(self) -> None:
        """Raise Invalid when anything was wrong."""
        if self.errors:
            raise Invalid(summary(self.errors), errors=self.errors)


def wanted(resource: Resource, fixed: Mapping[str, Any] | None = None) -> Wanted:
    """Read which page of which records is wanted; of a field in `fixed` nobody else has a say. Raises Invalid."""
    fixed = fixed or {}
    query = Query((*PAGING, "sort", *_filters(resource, fixed), *(WINDOW if resource.occurs else ())))
    sorts = [*SORTS, *(field.name for field in resource.fields.values() if field.kind.sortable)]
    sort = query.choice("sort", [*sorts, *(f"-{name}" for name in sorts)], "-last_updated") or "-last_updated"
    filters = _read_filters(query, resource, fixed)
    per_page = query.number("per_page", PER_PAGE, MOST)
    page = query.number("page", 1, LAST_PAGE)
    after = _position(query, sort)
    window = query.window() if resource.occurs else None
    query.finish()
    return Wanted({**filters, **fixed}, sort, page, per_page, after, window)


def chosen(resource: Resource) -> dict[str, Any]:
    """Read which records are wanted, all of them at once. Raises Invalid."""
    query = Query(_filters(resource, ()))
    filters = _read_filters(query, resource, ())
    query.finish()
    return filters


def _filters(resource: Resource, fixed: Collection[str]) -> tuple[str, ...]:
    by_field = (name for name, field in resource.fields.items() if field.kind.filterable and name not in fixed)
    return ("sync_status", "q", "updated_since", *by_field)


def _read_filters(query: Query, resource: Resource, fixed: Collection[str]) -> dict[str, Any]:
    named = [resource.fields[name] for name in _filters(resource, fixed) if name in resource.fields]
    filters: dict[str, Any] = {field.name: query.value(field) for field in named} | {"q": query.text("q")}
    filters |= {"sync_status": query.choice("sync_status", STATUSES), "updated_since": query.time("updated_since")}
    return {name: value for name, value in filters.items() if value not in {None, ""}}


def answer(asked: Wanted, found: Found, shown: list[dict[str, Any]]) -> Response:
    """Return a page of records with its place in the whole."""
    pages = math.ceil(found.total / asked.per_page)
    cursor = None if found.next_after is None else _cursor(asked.sort, *found.next_after)
    pagination = {
        "page": asked.page,
        "per_page": asked.per_page,
        "total": found.total,
        "pages": pages,
        "next_cursor": cursor,
    }
    response = jsonify({"data": shown, "pagination": pagination})
    response.headers["Link"] = _link_header(_links(asked, pages, cursor))
    return response


def _links(asked: Wanted, pages: int, cursor: str | None) -> dict[str, dict[str, str | int] | None]:
    """Return where the other pages are; the next one by cursor, where there is one."""
    links: dict[str, dict[str, str | int] | None] = {"next": None if cursor is None else {"cursor": cursor}}
    if asked.after is None:
        links["first"] = {"page": 1}
        links["prev"] = {"page": asked.page - 1} if asked.page > 1 else None
        links["last"] = {"page": max(pages, 1)}
    if asked.window is not None:
        links["next"] = {"page": asked.page + 1} if asked.page < pages else None
    return links


def plain(shown: list[dict[str, Any]], total: int, page: int, per_page: int) -> Response:
    """Return a page of something that is counted but not walked by cursor."""
    pages = math.ceil(total / per_page)
    pagination = {"page": page, "per_page": per_page, "total": total, "pages": pages, "next_cursor": None}
    return jsonify({"data": shown, "pagination": pagination})


def _link_header(links: Mapping[str, Mapping[str, Any] | None]) -> str:
    kept = [(name, value) for name, value in request.args.items(multi=True) if name not in {"page", "cursor"}]
    return ", ".join(
        f'<{request.path}?{urlencode([*kept, *where.items()])}>; rel="{rel}"'
        for rel, where in links.items()
        if where is not None
    )


def _cursor(sort: str, value: Any, record_id: str) -> str:
    shown = format_time(value) if isinstance(value, datetime) else value
    return base64.urlsafe_b64encode(json.dumps([sort, shown, record_id]).encode()).decode().rstrip("=")


def _position(query: Query, sort: str) -> tuple[Any, str] | None:
    text = request.args.get("cursor")
    if text is None:
        return None
    try:
        made_for, value, record_id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        made_for, value, record_id = None, None, None
    is_time = sort.lstrip("-") in {"last_updated", "created_at"}
    if is_time:
        value = parse_time(value)
    fits = isinstance(record_id, str) and is_plain(record_id) and isinstance(value, datetime if is_time else str | None)
    if made_for != sort or not fits or (isinstance(value, str) and not is_plain(value)):
        query.errors["cursor"] = ["Is not a cursor of this listing."]
        return None
    return value, record_id
