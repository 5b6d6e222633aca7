"""A CRM for benches, in a process of its own: what it lists is bytes made before the clock starts.

It speaks the dialect that the service expects, takes about as long as asked for each call, and counts the calls.
"""

import base64
import json
import math
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from benchmarks import people

ROOT = Path(__file__).resolve().parent.parent
KEY = "demo-api-key"
PATH = "/crm/users"
PAGE = 1000
WINDOW = 60.0
Answer = tuple[int, bytes, str]
"""Status, body and further headers, each with its line end."""


@dataclass(frozen=True)
class Habits:
    """How this CRM is: `records` users are in it, of which the feed holds those after `first`.

    `service` is seconds for each call, `limit` calls a minute (0: none).
    """

    records: int = 0
    first: int = 0
    service: float = 0.0
    batches: bool = True
    limit: int = 0


class Limit:
    """The limit of the mock CRM: a window of a minute opens with the first call after the last one closed."""

    def __init__(self, calls: int) -> None:
        self._calls, self._ends, self._left = calls, 0.0, calls

    def spend(self) -> tuple[bool, str]:
        if not self._calls:
            return True, ""
        now = time.time()
        if not now < self._ends <= now + WINDOW:
            self._ends, self._left = now + WINDOW, self._calls
        allowed = self._left > 0
        self._left = max(self._left - 1, 0)
        reset = max(math.ceil(self._ends - now), 1)
        told = f"RateLimit-Limit: {self._calls}\r\nRateLimit-Remaining: {self._left}\r\nRateLimit-Reset: {reset}\r\n"
        return allowed, told if allowed else f"{told}Retry-After: {reset}\r\n"


@dataclass
class Crm:
    """What is in it: prebuilt pages, and the records that were pushed."""

    habits: Habits
    pages: dict[int, bytes] = field(default_factory=dict)
    pushed: dict[str, dict[str, Any]] = field(default_factory=dict)
    by_external_id: dict[str, str] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    first_at: float | None = None

    def __post_init__(self) -> None:
        self.limit = Limit(self.habits.limit)
        self.edit(0, 0)

    def edit(self, count: int, edit: int) -> None:
        """Make the pages of the feed anew: after all records come `count` that were changed since."""
        total = self.habits.records
        changed = people.edited(count, total, edit) if count else []
        for start in range(self.habits.first, max(total, 1), PAGE) if not self.pages else [total - PAGE]:
            shown = range(start + 1, min(start + PAGE, total) + 1)
            items = [people.as_json(number) for number in shown]
            self.pages[start] = _feed(items, start + len(items), more=start + PAGE < total + count)
        self.pages[total] = _feed([people.as_json(one, edit) for one in changed], total + len(changed), more=False)

    def answer(self, method: str, target: str, body: bytes) -> Answer:
        path, _, query = target.partition("?")
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        if path.startswith("/crm/_"):
            return self._admin(method, path, body)
        self.first_at = self.first_at or time.time()
        rest = path.removeprefix(PATH).lstrip("/")
        self.calls[f"{method} users{'' if not rest else '/batch' if rest == 'batch' else '/<id>'}"] += 1
        allowed, told = self.limit.spend()
        if not allowed:
            self.refused += 1
            return 429, b'{"error":"rate_limited","message":"Too many calls a minute."}', told
        status, answered = self._read(asked, rest) if method == "GET" else self._write(method, rest, body)
        return status, answered, told

    def _admin(self, method: str, path: str, body: bytes) -> Answer:
        if method == "DELETE":
            self.calls.clear()
            self.refused, self.first_at = 0, None
        elif path == "/crm/_edit":
            self.edit(**json.loads(body))
        shown = {"calls": self.calls, "total": self.calls.total(), "refused": self.refused, "first_at": self.first_at}
        return 200, json.dumps({**shown, "pushed": len(self.pushed)}).encode(), ""

    def _read(self, asked: dict[str, str], rest: str) -> tuple[int, bytes]:
        if rest:
            found = self._known(rest)
            return (404, b'{"error":"not_found"}') if found is None else (200, json.dumps(found).encode())
        if "external_id" in asked:
            crm_id = self.by_external_id.get(asked["external_id"])
            items = [json.dumps(self.pushed[crm_id])] if crm_id else []
            return 200, _feed(items, 0, more=False)
        if "page" in asked:
            return 200, _listed(self.habits.records, int(asked["page"]), int(asked.get("per_page", "20")))
        place = _place(asked["updated_since"]) if "updated_since" in asked else 0
        found_page = self.pages.get(place)
        return (400, b'{"error":"invalid_cursor"}') if found_page is None else (200, found_page)

    def _known(self, crm_id: str) -> dict[str, Any] | None:
        match = re.fullmatch(r"CRM(\d+)", crm_id)
        number = int(match[1]) - people.FIRST if match else 0
        if 1 <= number <= self.habits.records:
            shown: dict[str, Any] = json.loads(people.as_json(number))
            return shown
        return self.pushed.get(crm_id)

    def _write(self, method: str, rest: str, body: bytes) -> tuple[int, bytes]:
        if method == "DELETE":
            return 204, b""
        given = json.loads(body or b"{}")
        if rest == "batch":
            if not self.habits.batches:
                return 404, b'{"error":"not_found","message":"There is no such call."}'
            return 200, json.dumps({"results": [self._upsert(item) for item in given["items"]]}).encode()
        done = self._upsert({**given, "crm_id": rest} if rest else given)
        return done.pop("status"), json.dumps(done).encode()

    def _upsert(self, item: dict[str, Any]) -> dict[str, Any]:
        item.pop("if_version", None)
        crm_id = item.pop("crm_id", None) or self.by_external_id.get(item.get("external_id", ""))
        stored = self._known(crm_id) if crm_id else None
        if crm_id is None:
            crm_id = people.crm_id(self.habits.records + len(self.pushed) + 1)
        version = 1 if stored is None else stored["version"] + 1
        about = {
            "crm_id": crm_id,
            "external_id": None,
            "version": version,
            "updated_at": people.stamp(len(self.pushed)),
        }
        self.pushed[crm_id] = {**(stored or {}), **about, "deleted": False, **item}
        if item.get("external_id"):
            self.by_external_id[item["external_id"]] = crm_id
        return {"status": 201 if stored is None else 200, **self.pushed[crm_id]}


def cursor(place: int) -> str:
    """Return the opaque cursor after so many entries of the feed."""
    return base64.urlsafe_b64encode(f"after:{place}".encode()).decode().rstrip("=")


def _place(text: str) -> int:
    return int(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().removeprefix("after:"))


def _feed(items: list[str], place: int, *, more: bool) -> bytes:
    told = f'"next_cursor":"{cursor(place)}","has_more":{json.dumps(more)}'
    return f'{{"items":[{",".join(items)}],{told}}}\n'.encode()


@cache
def _listed(records: int, page: int, per_page: int) -> bytes:
    shown = range((page - 1) * per_page + 1, min(page * per_page, records) + 1)
    items = ",".join(people.as_json(number) for number in shown)
    told = f'"page":{page},"per_page":{per_page},"total":{records},"pages":{-(-records // per_page)}'
    return f'{{"items":[{items}],{told}}}\n'.encode()


@dataclass(frozen=True)
class Canned:
    """A canned CRM as a bench sees it."""

    url: str

    def stats(self) -> dict[str, Any]:
        return self._admin("GET", "_stats")

    def forget(self) -> None:
        """Count from nothing again."""
        self._admin("DELETE", "_stats")

    def edit(self, count: int, edit: int) -> None:
        """Let the feed end with `count` records that were changed; 0: without news."""
        self._admin("POST", "_edit", json={"count": count, "edit": edit})

    def _admin(self, method: str, name: str, **request: Any) -> dict[str, Any]:
        answer = requests.request(method, f"{self.url}/crm/{name}", timeout=30, **request)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 0


@contextmanager
def serving(habits: Habits) -> Iterator[Canned]:
    """Start one, wait until its pages are made, and end it."""
    command = [sys.executable, "-m", "benchmarks.canned_server", json.dumps(vars(habits))]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield Canned(f"http://127.0.0.1:{int(server.stdout.readline())}")
        finally:
            server.terminate()
