"""The network of the simulation: carries calls to the CRM, spoils some, and lets other things happen in the middle."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from app.crm.line import Answer, Call, Cut
from app.simulator.crm import TOKEN, SimulatedCrm

HTML = Answer(200, b"<html>Hello</html>", {"Content-Type": "text/html"})


class Crash(BaseException):
    """The process dies here."""


@dataclass
class Line:
    """One step's view of the network: which of its calls go wrong, and how."""

    crm: SimulatedCrm
    faults: dict[int, str] = field(default_factory=dict)
    during: dict[int, Callable[[], None]] = field(default_factory=dict)
    number: int = 0
    injected: dict[str, int] = field(default_factory=dict)
    boundary: Callable[[], None] = lambda: None
    """Told at each point at which a process can die."""

    def begin(self, faults: dict[int, str], during: dict[int, Callable[[], None]]) -> None:
        self.faults, self.during, self.number = dict(faults), dict(during), 0

    def carry(self, call: Call) -> Answer:
        """Carry one call. Raises Cut and Crash."""
        number, self.number = self.number, self.number + 1
        fault = self.faults.pop(number, None)
        self.boundary()
        if fault is not None:
            self.injected[fault] = self.injected.get(fault, 0) + 1
        answer = self._spoiled(call, fault)
        happening = self.during.pop(number, None)
        if happening is not None:
            happening()
        self.boundary()
        return answer

    def _spoiled(self, call: Call, fault: str | None) -> Answer:
        refused = {"500": 500, "503": 503, "429": 429, "400": 400, "401": 401, "redirect": 302}
        if fault == "refused":
            raise Cut(sent=False)
        if fault == "cut_before":
            raise Cut(sent=True)
        if fault in refused:
            return self._refusal(call, refused[fault])
        if fault == "404_proxy":
            return Answer(404, b"<html>No such page</html>")
        answer = self.crm.answer(call)
        if fault == "cut_after":
            raise Cut(sent=True)
        return answer if fault is None or call.path == TOKEN else self._lie(call, answer, fault)

    @staticmethod
    def _refusal(call: Call, status: int) -> Answer:
        status = 503 if status in {302, 400} and call.path == TOKEN else status
        headers = {"Retry-After": "2"} if status in {429, 503} else {"Location": "http://elsewhere.example/"}
        return Answer(status, json.dumps({"error": "injected"}).encode(), headers)

    @staticmethod
    def _lie(call: Call, answer: Answer, fault: str) -> Answer:
        """Return another answer than the CRM gave, for something that was done."""
        # A wrong id in the answer to a create cannot be told from a right one; nobody can survive that.
        if fault == "html" or (fault == "other_id" and call.method == "POST"):
            return HTML
        if fault == "half":
            return Answer(answer.status, answer.body[: len(answer.body) // 2])
        if fault == "empty":
            return Answer(200)
        if fault == "error_in_200":
            return Answer(200, b'{"error": "It went wrong."}')
        told = json.loads(answer.body) if answer.body else {}
        if "crm_id" not in told:
            return HTML
        told["crm_id"] = None if fault == "no_id" else f"X{told['crm_id']}"
        return Answer(answer.status, json.dumps(told).encode())
