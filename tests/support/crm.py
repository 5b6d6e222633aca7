"""A CRM in process, and a line to it that a test can watch and cut."""

import io
from collections.abc import Callable
from typing import Any

import requests
from flask import Flask
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse
from werkzeug.test import Client, EnvironBuilder


class InProcess(BaseAdapter):
    """Carries the client's requests to a WSGI application without a socket; a cut line is a ConnectionError."""

    def __init__(self, wsgi: Any) -> None:
        super().__init__()
        self.client = Client(wsgi)
        self.sent: list[requests.PreparedRequest] = []
        self.before: Callable[[requests.PreparedRequest], None] = lambda _request: None
        self.after: Callable[[requests.PreparedRequest], None] = lambda _request: None

    def send(self, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        self.sent.append(request)
        self.before(request)
        builder = EnvironBuilder(
            path=request.path_url.partition("?")[0],
            query_string=request.path_url.partition("?")[2],
            method=request.method,
            headers=dict(request.headers),
            data=request.body or b"",
        )
        try:
            answer = self.client.open(builder, buffered=True)
            body = answer.get_data()
        except (ConnectionError, OSError) as error:
            raise requests.ConnectionError("cut", request=request) from error
        if "Content-Length" in answer.headers and int(answer.headers["Content-Length"]) != len(body):
            raise requests.ConnectionError("truncated", request=request)
        self.after(request)
        response = requests.Response()
        response.status_code = answer.status_code
        response.headers.update(dict(answer.headers))
        response.raw = HTTPResponse(io.BytesIO(body), preload_content=False)
        response.request, response.url = request, request.url
        return response

    def close(self) -> None:
        """Nothing to close."""


class Crm:
    """The mock CRM, as its staff and its logs see it."""

    def __init__(self, app: Flask) -> None:
        self.wsgi = app
        self.http = app.test_client()
        self.line = InProcess(app)
        self._headers = {"X-API-Key": "demo-api-key"}

    def create(self, **fields: Any) -> dict[str, Any]:
        return self._json(self.http.post("/crm/users", json=fields, headers=self._headers), 201)

    def edit(self, crm_id: str, **fields: Any) -> dict[str, Any]:
        return self._json(self.http.patch(f"/crm/users/{crm_id}", json=fields, headers=self._headers), 200)

    def get(self, crm_id: str) -> dict[str, Any] | None:
        answer = self.http.get(f"/crm/users/{crm_id}", headers=self._headers)
        return answer.get_json() if answer.status_code == 200 else None

    def delete(self, crm_id: str) -> None:
        assert self.http.delete(f"/crm/users/{crm_id}", headers=self._headers).status_code == 204

    def all(self) -> list[dict[str, Any]]:
        answer = self.http.get("/crm/users?updated_since=&limit=1000", headers=self._headers)
        return [item for item in self._json(answer, 200)["items"] if not item["deleted"]]

    def fault(self, mode: str, **about: Any) -> None:
        assert self.http.post("/crm/_faults", json={"mode": mode, **about}).status_code in {200, 201}

    def heal(self) -> None:
        self.http.delete("/crm/_faults")

    def calls(self, method: str | None = None, path: str = "/crm/users") -> list[requests.PreparedRequest]:
        """Return what the service has sent, without its calls for tokens."""
        return [one for one in self.line.sent if one.path_url.startswith(path) and method in {None, one.method}]

    @staticmethod
    def _json(answer: Any, status: int) -> dict[str, Any]:
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.get_json()
