"""The gunicorn worker of the web process: a request is given a thread when all of it has arrived, not before.

gunicorn's own threads read from the connections, so that as many slow clients as there are threads hold up everybody.
Here the loop that waits for all connections collects what they send. It uses inner parts of gunicorn 27.
When more deliveries come than can be taken in, those that waited too long are sent away, to come again.
"""

import re
import socket
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from selectors import EVENT_READ
from typing import Any

from gunicorn import util
from gunicorn.http.message import Request
from gunicorn.http.wsgi import Response
from gunicorn.workers.gthread import TConn, ThreadWorker

from app import refusals
from app.core.world import World
from app.http.wiring import ENGINE
from app.logs import request_id

LONGEST_HEAD = 64 * 1024
LARGEST_BODY = 1024 * 1024 + 1
"""What is larger than a body may be is not collected: its beginning is enough to refuse it."""
PART = 64 * 1024
LEAVE = 2.0
"""Seconds that a client has to close a connection that we are done with."""
LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r]*chunked", re.IGNORECASE)
EXPECTS = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)
CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]+)[ \t]*(?:;|$)")


class Arriving:
    """What has arrived of one request, and how much of it there is to come."""

    def __init__(self, received: bytes) -> None:
        self.received = bytearray()
        self._whole: int | None = None
        self._next_chunk: int | None = None
        self.add(received)

    def add(self, part: bytes) -> bool:
        """Take in what came; True when the client waits to be told to go on."""
        self.received += part
        if self._whole is not None or (end := self.received.find(b"\r\n\r\n")) < 0:
            return False
        head = bytes(self.received[: end + 2])
        length = LENGTH.search(head)
        is_chunked = CHUNKED.search(head) is not None
        self._next_chunk = end + 4 if is_chunked else None
        body = LARGEST_BODY if is_chunked else min(int(length[1]), LARGEST_BODY) if length else 0
        self._whole = end + 4 + body
        return EXPECTS.search(head) is not None and not self.is_whole

    @property
    def is_whole(self) -> bool:
        """Tell whether a thread has something to do: a whole request, or one that will be refused."""
        if self._next_chunk is not None and self._has_last_chunk():
            return True
        return len(self.received) >= (LONGEST_HEAD if self._whole is None else self._whole)

    def _has_last_chunk(self) -> bool:
        """Go on from chunk to chunk (RFC 9112, 7.1); True at the end of the trailers, and of what is no chunk."""
        assert self._next_chunk is not None
        while (line := self.received.find(b"\r\n", self._next_chunk)) >= 0:
            size = CHUNK_SIZE.match(self.received, self._next_chunk, line)
            if size is None:
                return True
            if int(size[1], 16) == 0:
                return self.received.startswith(b"\r\n", line + 2) or self.received.find(b"\r\n\r\n", line) >= 0
            self._next_chunk = line + 2 + int(size[1], 16) + 2
        return False


class Unheard:
    """Stands in for a connection while gunicorn words a refusal of its own: only the status of it is wanted."""

    status: int = HTTPStatus.INTERNAL_SERVER_ERROR

    def gettimeout(self) -> float:
        return 0.0

    def sendall(self, said: bytes) -> None:
        self.status = int(said.split(b" ", 2)[1])


class PatientWorker(ThreadWorker):
    """Threads for requests, not for connections. One that does not arrive within `--keep-alive` seconds is closed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        self.monotonic = World().monotonic
        self.burst = refusals.Burst()
        self.leaving: deque[TConn] = deque()

    def enqueue_req(self, conn: TConn) -> None:
        """Collect the next request of a connection; `finish_request` may have read the beginning of it already."""
        arriving = Arriving(b"" if conn.parser is None else conn.parser.unreader.take_buffered())
        if arriving.is_whole:
            self._hand_over(conn, arriving)
            return
        conn.sock.setblocking(False)
        conn.set_timeout()
        self.pending_conns.append(conn)
        assert self.poller is not None
        self.poller.register(conn.sock, EVENT_READ, partial(self._on_part, conn, arriving))

    def _on_part(self, conn: TConn, arriving: Arriving, client: socket.socket) -> None:
        try:
            part = client.recv(PART)
        except BlockingIOError:
            return
        except OSError:
            part = b""
        if arriving.add(part):
            with suppress(OSError):
                client.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        if part and not arriving.is_whole:
            return
        assert self.poller is not None
        self.poller.unregister(client)
        self.pending_conns.remove(conn)
        if arriving.received:
            self._hand_over(conn, arriving)
        else:
            self._close(conn)

    def _hand_over(self, conn: TConn, arriving: Arriving) -> None:
        conn.data_ready = True
        conn.init()
        assert conn.parser is not None
        conn.parser.unreader.unread(bytes(arriving.received))
        conn.handed_over = self.monotonic()  # type: ignore[attr-defined]
        super().enqueue_req(conn)  # type: ignore[no-untyped-call]

    def handle_request(self, req: Request, conn: TConn) -> bool:
        """Run the application, or not: a delivery that waited too long is answered by what costs next to nothing."""
        now = self.monotonic()
        is_late = now - conn.handed_over > refusals.PATIENCE  # type: ignore[attr-defined]
        if not is_late or not refusals.is_delivery(req):
            return bool(super().handle_request(req, conn))  # type: ignore[no-untyped-call]
        self.burst.note(now, self.nr_conns)
        self.wsgi.extensions[ENGINE].count("webhooks", resource="", outcome="refused")
        return self._send_away(req, conn)

    def _send_away(self, req: Request, conn: TConn) -> bool:
        """Answer that it was too much; True when the connection stays."""
        status, headers, body = refusals.too_many(request_id(dict(req.headers).get("X-REQUEST-ID", "")))
        answer = Response(req, conn.sock, self.cfg)
        if not self.alive or len(self.keepalived_conns) >= self.max_keepalived:
            answer.force_close()
        answer.start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        answer.write(body)
        return not answer.should_close()

    def handle_error(self, req: Request | None, client: socket.socket, addr: Any, exc: BaseException) -> None:
        """Answer what gunicorn refuses by itself as everything else is answered."""
        unheard = Unheard()
        super().handle_error(req, unheard, addr, exc)  # type: ignore[no-untyped-call]
        with suppress(OSError):
            util.write_nonblock(client, refusals.no_request(unheard.status, request_id("")))

    def finish_request(self, conn: TConn, fs: Future[Any]) -> None:
        """Let the client close first, so that it can read all of the answer; nobody else waits for it meanwhile."""
        if fs.cancelled() or fs.exception() or fs.result():
            super().finish_request(conn, fs)  # type: ignore[no-untyped-call]
            return
        try:
            conn.sock.shutdown(socket.SHUT_WR)
            conn.sock.setblocking(False)
        except OSError:
            self._close(conn)
            return
        conn.timeout = self.monotonic() + LEAVE
        self.leaving.append(conn)
        assert self.poller is not None
        self.poller.register(conn.sock, EVENT_READ, partial(self._on_rest, conn))

    def _on_rest(self, conn: TConn, client: socket.socket) -> None:
        try:
            if client.recv(PART):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.leaving.remove(conn)
        self._leave(conn)

    def _leave(self, conn: TConn) -> None:
        assert self.poller is not None
        self.poller.unregister(conn.sock)
        self._close(conn)

    def _close(self, conn: TConn) -> None:
        self.nr_conns -= 1
        conn.close()

    def murder_pending(self) -> None:
        super().murder_pending()  # type: ignore[no-untyped-call]
        now = self.monotonic()
        while self.leaving and self.leaving[0].timeout < now:  # type: ignore[operator]
            self._leave(self.leaving.popleft())

    def _cap_keepalive(self, deadline: float) -> None:
        """Do not wait longer for what a client has not sent than for its next request, when stopping."""
        super()._cap_keepalive(deadline)  # type: ignore[no-untyped-call]
        for conn in self.pending_conns:
            conn.timeout = min(conn.timeout, deadline)
