"""Plays the faults that spoil an answer, between the server and the app."""

import json
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.wrappers import Response

from mock_crm.faults import Fault, Faults
from mock_crm.stats import CUT

_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Call:
    """One call that a fault is for."""

    app: WSGIApplication
    environ: WSGIEnvironment
    start_response: StartResponse
    fault: Fault

    def __getitem__(self, parameter: str) -> Any:
        return self.fault.parameters[parameter]

    def right_answer(self) -> Response:
        """Let the app do its work, and hold what it says."""
        return Response.from_app(self.app, self.environ, buffered=True)

    def answer(self, response: Response) -> Iterable[bytes]:
        return response(self.environ, self.start_response)

    def answer_instead(self, response: Response) -> Iterable[bytes]:
        """Answer something else, with the work done or not, as the fault's `write` says."""
        if self.fault.parameters.get("write"):
            self.right_answer()
        return self.answer(response)

    def pause(self) -> None:
        """Wait as long as the fault says, or until it is healed."""
        self.fault.healed.wait(self["seconds"])

    def cut(self) -> Iterable[bytes]:
        """Close the connection. Without one, in a test that calls the app directly, the error it would cause."""
        if not self.hang_up():
            raise ConnectionError("the mock CRM cut the connection")
        self.start_response(f"{CUT} Cut", [("Content-Length", "0")])  # heard by the statistics only
        return []

    def hang_up(self) -> bool:
        """Shut the connection down; false when there is none to shut."""
        connection = self.environ.get("gunicorn.socket") or self.environ.get("werkzeug.socket")
        if connection is None:
            return False
        with suppress(OSError):  # the other side may be faster
            connection.shutdown(socket.SHUT_RDWR)
        return True


def around(app: WSGIApplication, faults: Faults) -> WSGIApplication:
    def faulty(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        fault = faults.for_call(environ["REQUEST_METHOD"], environ["PATH_INFO"])
        if fault is None:
            return app(environ, start_response)
        return _PLAY[fault.mode](Call(app, environ, start_response, fault))

    return faulty


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")


def _status(call: Call) -> Iterable[bytes]:
    body = {"error": "injected_fault", "message": "Asked for."} if call["body"] is None else call["body"]
    response = Response(body, call["status"]) if isinstance(body, str) else _json(body, call["status"])
    response.headers.update(call["headers"])
    if call["retry_after"] is not None:
        response.headers["Retry-After"] = call["retry_after"]
    return call.answer_instead(response)


def _slow(call: Call) -> Iterable[bytes]:
    call.pause()
    return call.app(call.environ, call.start_response)


def _drip(call: Call) -> Iterable[bytes]:
    def drops(body: bytes) -> Iterator[bytes]:
        for place in range(len(body)):
            yield body[place : place + 1]
            call.pause()

    response = call.right_answer()
    body = response.get_data()
    response.response = drops(body)
    response.content_length = len(body)
    return call.answer(response)


def _hang(call: Call) -> Iterable[bytes]:
    call.pause()
    if call["write"]:
        call.right_answer()
    return call.cut()


def _cut_before(call: Call) -> Iterable[bytes]:
    return call.cut()


def _cut_after(call: Call) -> Iterable[bytes]:
    call.right_answer()
    return call.cut()


def _truncated(call: Call) -> Iterable[bytes]:
    def half(body: bytes) -> Iterator[bytes]:
        yield body[: len(body) // 2]
        call.hang_up()

    response = call.right_answer()
    body = response.get_data()
    response.response = half(body)
    response.content_length = len(body)
    return call.answer(response)


def _html(call: Call) -> Iterable[bytes]:
    page = "<!doctype html><title>Maintenance</title><h1>We will be back soon</h1>"
    return call.answer_instead(Response(page, content_type="text/html; charset=utf-8"))


def _bad_json(call: Call) -> Iterable[bytes]:
    return call.answer_instead(Response('{"crm_id": "CRM', content_type="application/json"))


def _empty(call: Call) -> Iterable[bytes]:
    return call.answer_instead(Response(b"", call["status"], content_type="application/json"))


def _error_in_200(call: Call) -> Iterable[bytes]:
    return call.answer_instead(_json({"error": call["error"]}))


def _huge(call: Call) -> Iterable[bytes]:
    def flood() -> Iterator[bytes]:
        yield b'{"padding": "'
        for _ in range(call["megabytes"]):
            yield b"x" * _MEGABYTE
        yield b'"}'

    return call.answer_instead(Response(flood(), content_type="application/json"))


def _redirect(call: Call) -> Iterable[bytes]:
    return call.answer(Response(status=call["status"], headers={"Location": call["location"]}))


def _expired_token(call: Call) -> Iterable[bytes]:
    response = _json({"error": "invalid_token", "message": "The token has expired."}, 401)
    response.headers["WWW-Authenticate"] = 'Bearer realm="mock-crm", error="invalid_token"'
    return call.answer(response)


def _altering(change: Callable[[Call, dict[str, Any]], dict[str, Any]]) -> Callable[[Call], Iterable[bytes]]:
    """Play a fault that changes the right answer; in a list or a batch, each item of it."""

    def play(call: Call) -> Iterable[bytes]:
        response = call.right_answer()
        said = json.loads(response.get_data() or b"null")
        if isinstance(said, dict) and response.status_code < 300:  # noqa: PLR2004 - errors stay as they are
            listed = next((name for name in ("items", "results") if name in said), None)
            said = {**said, listed: [change(call, each) for each in said[listed]]} if listed else change(call, said)
            response.set_data(json.dumps(said))
        return call.answer(response)

    return play


def _without_crm_id(_call: Call, said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if name != "crm_id"}


def _with_null_crm_id(_call: Call, said: dict[str, Any]) -> dict[str, Any]:
    return {**said, "crm_id": None}


def _with_wrong_crm_id(call: Call, said: dict[str, Any]) -> dict[str, Any]:
    return {**said, "crm_id": call["crm_id"]}


def _altered(call: Call, said: dict[str, Any]) -> dict[str, Any]:
    return {call["rename"].get(name, name): value for name, value in (said | call["set"]).items()}


def _repeat_items(call: Call) -> Iterable[bytes]:
    response = call.right_answer()
    said = json.loads(response.get_data() or b"null")
    if isinstance(said, dict) and "items" in said:
        response.set_data(json.dumps({**said, "items": [each for each in said["items"] for _ in range(2)]}))
    return call.answer(response)


_PLAY: dict[str, Callable[[Call], Iterable[bytes]]] = {
    "status": _status,
    "slow": _slow,
    "drip": _drip,
    "hang": _hang,
    "cut_before": _cut_before,
    "cut_after": _cut_after,
    "truncated": _truncated,
    "html": _html,
    "bad_json": _bad_json,
    "empty": _empty,
    "no_crm_id": _altering(_without_crm_id),
    "null_crm_id": _altering(_with_null_crm_id),
    "wrong_crm_id": _altering(_with_wrong_crm_id),
    "alter": _altering(_altered),
    "repeat_items": _repeat_items,
    "error_in_200": _error_in_200,
    "huge": _huge,
    "redirect": _redirect,
    "expired_token": _expired_token,
}
