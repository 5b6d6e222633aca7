"""Serves a canned CRM on a free port: the least of HTTP/1.1 that a client of it needs, in one thread."""

import asyncio
import json
import signal
import sys

from benchmarks.canned import KEY, Crm, Habits

REASONS = {200: "OK", 201: "Created", 204: "No Content", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
           429: "Too Many Requests"}  # fmt: skip


class Connection(asyncio.Protocol):
    def __init__(self, crm: Crm) -> None:
        self._crm = crm
        self._loop = asyncio.get_running_loop()
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while (end := self._unread.find(b"\r\n\r\n")) >= 0:
            line, *lines = self._unread[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)}
            whole = end + 4 + int(headers.get("content-length", "0"))
            if len(self._unread) < whole:
                return
            body, self._unread = self._unread[end + 4 : whole], self._unread[whole:]
            self._take(line, headers, body)

    def _take(self, line: str, headers: dict[str, str], body: bytes) -> None:
        begun = self._loop.time()
        method, target, _ = line.split(" ")
        if not target.startswith("/crm/_") and headers.get("x-api-key") != KEY:
            status, answered, told = 401, b'{"error":"unauthorized"}', ""
        else:
            status, answered, told = self._crm.answer(method, target, body)
        head = (
            f"HTTP/1.1 {status} {REASONS[status]}\r\nContent-Type: application/json\r\n{told}"
            f"Content-Length: {len(answered)}\r\n\r\n"
        )
        service = 0.0 if target.startswith("/crm/_") else self._crm.habits.service
        if service:  # its own work is part of it
            self._loop.call_at(begun + service, self._transport.write, head.encode() + answered)
        else:
            self._transport.write(head.encode() + answered)


async def serve(habits: Habits) -> None:
    crm = Crm(habits)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(crm), "127.0.0.1", 0)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_reader(sys.stdin, stopping.set)  # it is closed when the bench has ended, however it did
    print(server.sockets[0].getsockname()[1], flush=True)
    await stopping.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(Habits(**json.loads(sys.argv[1]))))
