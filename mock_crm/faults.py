"""Keeps the injected faults, and says which call, write or webhook each one is for."""

import itertools
import random
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from mock_crm import modes
from mock_crm.fields import Resource
from mock_crm.kinds import Kind
from mock_crm.outbox import Posting
from mock_crm.texts import Email, Phone, Text
from mock_crm.writing import Change


@dataclass
class Fault:
    id: int
    mode: str
    target: dict[str, Any]
    parameters: dict[str, Any]
    left: int | None
    """How many more calls misbehave; None is until healed."""
    healed: threading.Event
    """Shared with every fault until they are healed: a call may still hang in one that is used up."""
    hits: int = 0
    skipped: int = 0

    def is_for(self, method: str, path: str, resource: str, is_record_call: bool) -> bool:
        """A fault that names neither path nor resource is for records only, so that a token call does not use it up."""
        wanted = self.target
        if wanted["method"] is not None and wanted["method"].upper() != method:
            return False
        if wanted["path"] is not None:
            return fnmatchcase(path, wanted["path"])
        return is_record_call if wanted["resource"] is None else wanted["resource"] == resource

    def as_json(self) -> dict[str, Any]:
        given = {name: value for name, value in (self.target | self.parameters).items() if value is not None}
        return {"id": self.id, "mode": self.mode, **given, "count": self.left, "hits": self.hits}


class Faults:
    """Only in memory: a restart heals."""

    def __init__(self, resources: tuple[Resource, ...], *, enabled: bool) -> None:
        self.enabled = enabled
        self._resources = {each.name for each in resources}
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._healed = threading.Event()
        self._ids = itertools.count(1)
        self._random = random.Random(1)  # noqa: S311 - the same chances in every run

    def add(self, payload: Mapping[str, Any]) -> Fault:
        mode, target, parameters = modes.read(payload)
        with self._lock:
            fault = Fault(next(self._ids), mode, target, parameters, target.pop("count"), self._healed)
            self._faults.append(fault)
        return fault

    def heal(self) -> int:
        """End every fault, and the calls that hang in one."""
        with self._lock:
            healed, self._faults = self._faults, []
            self._healed.set()
            self._healed = threading.Event()
        return len(healed)

    def as_json(self) -> list[dict[str, Any]]:
        with self._lock:
            return [fault.as_json() for fault in self._faults]

    def for_call(self, method: str, path: str) -> Fault | None:
        """The fault that this call must play, if any: the first one that matches is used up by one."""
        if not self._faults:
            return None
        path = "/crm/" + path.removeprefix("/api/v1/") if path.startswith("/api/v1/") else path
        resource = path.removeprefix("/crm/").partition("/")[0]
        return self._take(modes.ANSWERS, method, path, resource)

    def lasting(self, mode: str, resource: str) -> Fault | None:
        with self._lock:
            return next((each for each in self._lasting(resource) if each.mode == mode), None)

    def mangle(self, resource: Resource, values: dict[str, Any]) -> dict[str, Any]:
        """The values as a CRM with its own ideas stores them."""
        if not self._faults:
            return values
        with self._lock:
            faults = self._lasting(resource.name)
        for fault in faults:
            values = _MANGLE.get(fault.mode, _leave)(fault, resource, values)
        return values

    def posting(self, change: Change) -> tuple[Posting, str]:
        """How a change goes out, and the lane that is to be let go because a shuffle has got all it holds."""
        fault = self._take(modes.WEBHOOKS, "", "", change.resource) if self._faults else None
        if fault is None:
            return Posting(change), ""
        if fault.mode == "webhook_drop":
            return Posting(change, state="dropped"), ""
        if fault.mode == "webhook_double":
            return Posting(change, copies=2), ""
        if fault.mode == "webhook_delay":
            return Posting(change, delay=fault.parameters["seconds"]), ""
        lane = f"shuffle-{fault.id}"
        return Posting(change, lane=lane, state="held"), lane if fault.left == 0 else ""

    def _lasting(self, resource: str) -> list[Fault]:
        return [
            each for each in self._faults if each.mode in modes.LASTING and each.target["resource"] in (None, resource)
        ]

    def _take(self, among: Mapping[str, Any], method: str, path: str, resource: str) -> Fault | None:
        is_record_call = resource in self._resources
        with self._lock:
            for fault in self._faults:
                if fault.mode in among and fault.is_for(method, path, resource, is_record_call) and self._hits(fault):
                    return fault
        return None

    def _hits(self, fault: Fault) -> bool:
        """Use up one call of a fault, unless it lets this one pass."""
        if fault.skipped < fault.target["after"]:
            fault.skipped += 1
            return False
        if self._random.random() >= fault.target["chance"]:
            return False
        fault.hits += 1
        if fault.left is not None:
            fault.left -= 1
            if fault.left == 0:
                self._faults.remove(fault)
        return True


def _names(resource: Resource, kind: type[Kind]) -> set[str]:
    return {each.name for each in resource.fields if isinstance(each.kind, kind)}


def _leave(_fault: Fault, _resource: Resource, values: dict[str, Any]) -> dict[str, Any]:
    return values


def _normalise(_fault: Fault, resource: Resource, values: dict[str, Any]) -> dict[str, Any]:
    texts, emails = _names(resource, Text), _names(resource, Email)
    trimmed = {name: value.strip() if name in texts and value else value for name, value in values.items()}
    return {name: value.lower() if name in emails and value else value for name, value in trimmed.items()}


def _digits_only(_fault: Fault, resource: Resource, values: dict[str, Any]) -> dict[str, Any]:
    phones = _names(resource, Phone)
    return {
        name: re.sub(r"[^+0-9]", "", value) if name in phones and value else value for name, value in values.items()
    }


def _truncate(fault: Fault, resource: Resource, values: dict[str, Any]) -> dict[str, Any]:
    length, texts = fault.parameters["length"], _names(resource, Text)
    return {name: value[:length] if name in texts and value else value for name, value in values.items()}


def _ignore(fault: Fault, _resource: Resource, values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name != fault.parameters["field"]}


_MANGLE = {
    "normalise": _normalise,
    "digits_only": _digits_only,
    "truncate_fields": _truncate,
    "ignore_field": _ignore,
}
