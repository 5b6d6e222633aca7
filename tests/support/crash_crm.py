"""Mock CRMs in one process of their own, over HTTP: each has a path to itself, so that each can begin empty."""

import logging
import os
import signal
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.util import shift_path_info

import requests
from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

import mock_crm

STAFF = {"X-API-Key": "demo-api-key"}


class CrmProcess:
    """A process that is a mock CRM at each first part of a path: /a/crm/users and /b/crm/users are two CRMs."""

    def __init__(self, folder: Path) -> None:
        server = make_server("127.0.0.1", 0, _Many(folder), threaded=True, request_handler=_Quiet)
        self.url = f"http://127.0.0.1:{server.port}"
        tests = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            server.service_actions = lambda: None if os.getppid() == tests else os._exit(1)  # nobody stays behind
            try:
                server.serve_forever()
            finally:
                os._exit(1)
        server.server_close()

    def stop(self) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Say nothing."""


class _Many:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, Flask] = {}
        self._turn = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        name = shift_path_info(environ) or "none"
        with self._turn:
            if environ["REQUEST_METHOD"] == "DELETE" and environ["PATH_INFO"] == "":
                self._give_up(name)
                start_response("204 No Content", [])
                return []
            if name not in self._made:
                self._made[name] = self._make(name)
        return self._made[name](environ, start_response)

    def _give_up(self, name: str) -> None:
        if name in self._made:
            self._made.pop(name).extensions["mock_crm"].stop()
            for file in self._folder.glob(f"crm-{name}.db*"):
                file.unlink()

    def _make(self, name: str) -> Flask:
        logging.disable()
        settings = {"DATABASE": self._folder / f"crm-{name}.db", "FAULTS": 1, "RATE_LIMIT": 0}
        return mock_crm.create_app({f"MOCK_CRM_{key}": value for key, value in settings.items()})


class There:
    """One of these CRMs, as its staff see it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def create(self, **fields: Any) -> dict[str, Any]:
        return self._ask(requests.post, "/crm/users", fields).json()

    def edit(self, crm_id: str, **fields: Any) -> dict[str, Any]:
        return self._ask(requests.patch, f"/crm/users/{crm_id}", fields).json()

    def delete(self, crm_id: str) -> None:
        self._ask(requests.delete, f"/crm/users/{crm_id}")

    def merge(self, winner: str, loser: str) -> None:
        self._ask(requests.post, f"/crm/users/{winner}/merge", {"crm_id": loser})

    def fault(self, mode: str, **about: Any) -> None:
        self._ask(requests.post, "/crm/_faults", {"mode": mode, **about})

    def everything(self) -> list[dict[str, Any]]:
        """Return all records, tombstones too."""
        return self._ask(requests.get, "/crm/users?updated_since=&limit=1000").json()["items"]

    def all(self) -> list[dict[str, Any]]:
        return [one for one in self.everything() if not one["deleted"]]

    def close(self) -> None:
        """Give up this CRM: whoever asks it again asks a new one."""
        self._ask(requests.delete, "")

    def _ask(self, how: Callable[..., requests.Response], path: str, body: Any = None) -> requests.Response:
        answer = how(f"{self.url}{path}", json=body, headers=STAFF, timeout=10)
        assert answer.ok, answer.text
        return answer
