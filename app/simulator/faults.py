"""What can go wrong with one call to the CRM: each fault is a function of its name."""

import json
from collections.abc import Callable
from typing import Protocol

from app.crm.line import Answer, Call, Cut
from app.simulator.clock import Clock
from app.simulator.crm import TOKEN

HTML = Answer(200, b"<html>Hello</html>", {"Content-Type": "text/html"})
ELSEWHERE = "http://elsewhere.example/"
TIMEOUT = 30.0
"""Seconds after which the service hangs up."""


class Well(Protocol):
    """The CRM as it is when it is well."""

    clock: Clock

    def answer(self, call: Call) -> Answer: ...


Fault = Callable[[Well, Call], Answer]


def refused(_well: Well, _call: Call) -> Answer:
    raise Cut(sent=False)


def cut_before(_well: Well, _call: Call) -> Answer:
    raise Cut(sent=True)


def cut_after(well: Well, call: Call) -> Answer:
    well.answer(call)
    raise Cut(sent=True)


def black_hole(well: Well, _call: Call) -> Answer:
    well.clock.sleep(TIMEOUT)
    raise Cut(sent=True)


def too_late(well: Well, call: Call) -> Answer:
    well.answer(call)
    well.clock.sleep(TIMEOUT)
    raise Cut(sent=True)


def slow(well: Well, call: Call) -> Answer:
    well.clock.sleep(3)
    return well.answer(call)


def _status(status: int, **headers: str) -> Fault:
    def fault(_well: Well, call: Call) -> Answer:
        # A token endpoint that says no for good is a setting to be mended, not a fault to be survived.
        given = 503 if call.path == TOKEN and status in {302, 400, 422} else status
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Answer(given, json.dumps({"error": "injected"}).encode(), named)

    return fault


def done_and(status: int) -> Fault:
    """Return the fault of a CRM that does what it is asked and then says that it failed."""

    def fault(well: Well, call: Call) -> Answer:
        well.answer(call)
        return Answer(status, b'{"error": "injected"}')

    return fault


def proxy_404(_well: Well, _call: Call) -> Answer:
    return Answer(404, b"<html>No such page</html>")


def conflict_412(_well: Well, call: Call) -> Answer:
    """Say that the record has moved on although it has not; only what expects a version can be told so."""
    status = 412 if "If-Match" in call.headers else 503
    return Answer(status, b'{"error": "version_mismatch"}')


def _lie(told: Callable[[Call, Answer], Answer]) -> Fault:
    def fault(well: Well, call: Call) -> Answer:
        answer = well.answer(call)
        return answer if call.path == TOKEN else told(call, answer)

    return fault


def _with_id(call: Call, answer: Answer, crm_id: str | None) -> Answer:
    told = json.loads(answer.body) if answer.body else {}
    # A wrong id in the answer to a create cannot be told from a right one; nobody can survive that.
    if "crm_id" not in told or (crm_id is not None and call.method == "POST"):
        return HTML
    return Answer(answer.status, json.dumps({**told, "crm_id": crm_id}).encode())


FAULTS: dict[str, Fault] = {
    "refused": refused,
    "cut_before": cut_before,
    "cut_after": cut_after,
    "black_hole": black_hole,
    "too_late": too_late,
    "slow": slow,
    "500": _status(500),
    "502": _status(502),
    "503": _status(503, Retry_After="2"),
    "504": _status(504),
    "done_500": done_and(500),
    "done_504": done_and(504),
    "429": _status(429, Retry_After="2"),
    "429_silent": _status(429),
    "429_nonsense": _status(429, Retry_After="soon"),
    "429_long": _status(429, Retry_After="86400"),
    "400": _status(400),
    "422": _status(422),
    "401": _status(401),
    "404_proxy": proxy_404,
    "412": conflict_412,
    "redirect": _status(302, Location=ELSEWHERE),
    "html": _lie(lambda _call, _answer: HTML),
    "half": _lie(lambda _call, answer: Answer(answer.status, answer.body[: len(answer.body) // 2])),
    "empty": _lie(lambda _call, _answer: Answer(200)),
    "204": _lie(lambda call, answer: answer if call.method == "DELETE" else Answer(204)),
    "error_in_200": _lie(lambda _call, _answer: Answer(200, b'{"error": "It went wrong."}')),
    "no_id": _lie(lambda call, answer: _with_id(call, answer, None)),
    "other_id": _lie(lambda call, answer: _with_id(call, answer, "another")),
}
PAUSES = {"429": 2.0, "429_long": 3600.0}
"""Faults that ask the service to be silent, and for how many seconds it has to be."""
