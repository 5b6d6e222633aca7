"""A line to a CRM that is a function in this process: what a simulator puts in the place of the network."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import requests
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

from app.crm.client import CRMClient


@dataclass(frozen=True)
class Call:
    """One call, as the CRM gets it."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Answer:
    """What comes back: a status, headers and a body."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Cut(Exception):
    """The line broke: no answer, or none that is whole. `sent` says whether the call had left."""

    def __init__(self, *, sent: bool) -> None:
        super().__init__()
        self.sent = sent


def connect(client: CRMClient, answer: Callable[[Call], Answer]) -> None:
    """Let a client talk to a function from now on. The function raises Cut for a line that breaks."""
    client.session.mount(client.config.base_url, _Line(answer))


class _Line(BaseAdapter):
    def __init__(self, answer: Callable[[Call], Answer]) -> None:
        super().__init__()
        self._answer = answer

    def send(self, request: requests.PreparedRequest, *_about: object, **_more: object) -> requests.Response:
        path, _, query = (request.path_url or "").partition("?")
        body = request.body or b""
        raw = body.encode() if isinstance(body, str) else bytes(body)
        try:
            answer = self._answer(Call(request.method or "", path, query, request.headers, raw))
        except Cut as cut:
            kind = requests.ConnectionError if cut.sent else requests.ConnectTimeout
            raise kind("cut", request=request) from cut
        return _response(request, answer)

    def close(self) -> None:
        """Nothing to close."""


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers.update(answer.headers)
    response.raw = HTTPResponse(io.BytesIO(answer.body), preload_content=False)
    response.request, response.url = request, request.url or ""
    return response
