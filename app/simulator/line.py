"""The network of the simulation: carries calls to the CRM, spoils some, and lets other things happen in the middle."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.crm.line import Answer, Call, Cut
from app.simulator.crm import TOKEN
from app.simulator.crms import Crms
from app.simulator.faults import FAULTS, PAUSES

LATENCY = 0.01
MOST_CALLS = 1000
"""Calls in a history of one resource; there are about fifty."""
UNAUTHORIZED = 401
THRESHOLD = 300.0
"""Seconds before its end at which a token may be renewed, as TOKEN_REFRESH_THRESHOLD is."""
TRIES = 8
"""Calls to a CRM that does not answer before the circuit must be open, with room for what is under way."""
REST = 4.0
"""Seconds between two calls afterwards, a little less than the shortest rest of the circuit breaker."""


KINDS = ("write", "look", "page", "token")


class Crash(BaseException):
    """The process dies here."""


class Endless(BaseException):
    """The service calls the CRM again and again."""


@dataclass
class Heard:
    """What the CRM has told one process: what a good caller remembers."""

    token_good_until: float = 0.0
    silent_until: float = 0.0
    unanswered: int = 0
    dark_since: float = 0.0


@dataclass
class Line:
    """The line as the step at hand finds it: which of its calls go wrong, and how. Times are monotonic seconds."""

    crm: Crms
    boundary: Callable[[], None] = lambda: None
    """Told at each point at which a process can die."""
    watch: Callable[[Call], None] = lambda _: None
    """Sees each call before it is carried."""
    most_calls: int = MOST_CALLS
    faults: dict[int, str] = field(default_factory=dict)
    during: dict[int, Callable[[], None]] = field(default_factory=dict)
    number: int = 0
    caller: str = ""
    """Which process calls."""
    down_until: float = 0.0
    starts: int = 0
    """How many processes were started."""
    injected: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    """How often the CRM was called: for a page of its feed, a token, a look at a record, or a write."""
    heard: dict[str, Heard] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    """Calls that a good caller would not have made."""
    digest: Any = field(default_factory=hashlib.sha256)
    """Of every call and its answer."""

    def begin(self, faults: dict[int, str], during: dict[int, Callable[[], None]]) -> None:
        self.faults, self.during, self.number = dict(faults), dict(during), 0

    def carry(self, call: Call) -> Answer:
        """Carry one call. Raises Cut and Crash."""
        number, self.number = self.number, self.number + 1
        clock, is_down = self.crm.clock, self.crm.clock.passed < self.down_until
        fault = "refused" if is_down else self.faults.pop(number, None)
        heard = self.heard.setdefault(self.caller, Heard())
        self._judge(call, heard)
        self.watch(call)
        self.boundary()
        clock.sleep(LATENCY)
        if fault is not None:
            self.injected["outage" if is_down else fault] += 1
        self._note(call.method, call.path, call.query, call.headers.get("Idempotency-Key"), call.body)
        answer = self._answered(call, fault, heard)
        self._note(answer.status, answer.body)
        happening = self.during.pop(number, None)
        if happening is not None:
            happening()
        self.boundary()
        return answer

    def _judge(self, call: Call, heard: Heard) -> None:
        """Note what kind of call it is, and whether it should have been made at all."""
        now, kind = self.crm.clock.passed, kind_of(call)
        self.calls[kind] += 1
        if self.calls.total() > self.most_calls:
            raise Endless
        if now < heard.silent_until - 1:
            self.complaints.append(f"pause: called {heard.silent_until - now:.0f} s before the CRM wants to be asked")
        if kind == "token" and now < heard.token_good_until:
            self.complaints.append("token: asked for a new one while the last is good")
        if heard.unanswered > TRIES + (now - heard.dark_since) / REST:
            self.complaints.append(f"circuit: {heard.unanswered} calls to a CRM that does not answer")

    def _answered(self, call: Call, fault: str | None, heard: Heard) -> Answer:
        now = self.crm.clock.passed
        try:
            answer = self.crm.answer(call) if fault is None else FAULTS[fault](self.crm, call)
        except Cut:
            self._note_dark(heard, now)
            raise
        if answer.status >= 500:  # noqa: PLR2004
            self._note_dark(heard, now)
        else:
            heard.unanswered = 0
        if answer.status == UNAUTHORIZED:
            heard.token_good_until = 0.0
        elif call.path == TOKEN and fault in {None, "slow"}:
            heard.token_good_until = self.crm.clock.passed + _good_for(json.loads(answer.body)["expires_in"])
        heard.silent_until = now + PAUSES.get(fault or "", 0.0) if answer.status == 429 else heard.silent_until  # noqa: PLR2004
        return answer

    def _note(self, *parts: Any) -> None:
        self.digest.update(repr((self.crm.clock.passed, self.caller, *parts)).encode())

    @staticmethod
    def _note_dark(heard: Heard, now: float) -> None:
        if heard.unanswered == 0:
            heard.dark_since = now
        heard.unanswered += 1

    def restarted(self, caller: str) -> None:
        """A process that starts anew remembers nothing."""
        self.starts += 1
        self.heard.pop(caller, None)


def kind_of(call: Call) -> str:
    """Sort a call by what it is for."""
    if call.path == TOKEN:
        return "token"
    if call.method != "GET":
        return "write"
    is_list = call.path.count("/") == 2 and "external_id" not in call.query  # noqa: PLR2004
    return "page" if is_list else "look"


def _good_for(lifetime: Any) -> float:
    seconds = float(lifetime) if isinstance(lifetime, int) and lifetime > 0 else 3600.0
    return max(seconds / 2, seconds - THRESHOLD) - 1
