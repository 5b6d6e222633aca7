"""The points at which a process can die: before and after each commit, each call to the CRM, each file put in place."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import requests
from flask import Flask
from sqlalchemy import event

from app.core.db import LOCK, db
from app.http.wiring import ENGINE


class CrashPoints:
    """Counts the points that this process passes; at the one of number `die_at` it kills itself for real."""

    def __init__(self, die_at: int | None) -> None:
        self.passed: list[str] = []
        self._die_at = die_at
        self._is_armed = False
        self._turn = threading.Lock()

    def arm(self) -> None:
        self._is_armed = True

    def point(self, name: str) -> None:
        if not self._is_armed:
            return
        with self._turn:
            if len(self.passed) == self._die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            self.passed.append(name)

    @contextmanager
    def watching(self, app: Flask) -> Iterator[None]:
        """Put a point before and after everything that another process can see."""
        session, engine = app.extensions[ENGINE].crm.session, db.engine
        lock, send, replace = app.extensions[LOCK], session.send, os.replace
        event.listen(engine, "commit", self._before_commit)
        app.extensions[LOCK] = self._around_transactions(lock)
        session.send = self._around_calls(send)
        os.replace = self._around("file", replace)
        yield
        self._is_armed = False
        event.remove(engine, "commit", self._before_commit)
        app.extensions[LOCK], session.send, os.replace = lock, send, replace

    def _around_transactions(self, lock: Callable[[], AbstractContextManager[None]]) -> Callable[..., Any]:
        @contextmanager
        def watched() -> Iterator[None]:
            with lock():
                yield
            self.point("after commit")

        return watched

    def _before_commit(self, _connection: Any) -> None:
        self.point("before commit")

    def _around_calls(self, send: Callable[..., requests.Response]) -> Callable[..., requests.Response]:
        def sent(request: requests.PreparedRequest, **more: Any) -> requests.Response:
            name = f"call {request.method} {request.path_url.partition('?')[0].partition('/crm/')[2]}"
            return self._around(name, send)(request, **more)

        return sent

    def _around(self, name: str, do: Callable[..., Any]) -> Callable[..., Any]:
        def done(*args: Any, **more: Any) -> Any:
            self.point(f"before {name}")
            result = do(*args, **more)
            self.point(f"after {name}")
            return result

        return done
