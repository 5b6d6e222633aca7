"""A load generator in a process of its own: keep-alive connections, requests made before the clock starts.

`python -m benchmarks.load` reads an order from stdin and writes what it found to stdout. It shares the cores with the
server that it measures, so it does next to nothing: one thread, raw sockets, the status line and Content-Length.
"""

import pickle
import select
import socket
import subprocess
import sys
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchmarks import spread

ROOT = Path(__file__).resolve().parent.parent
CONNECTIONS = 16
PART = 65536
ANSWER_WITHIN = 30.0
TRIES = 2000
NO_BODY = frozenset({204, 304})
END = b"\r\n\r\n"
LENGTH = b"\r\ncontent-length:"
CLOSES = b"\r\nconnection: close"


class Wrong(RuntimeError):
    """A server did not answer as the bench expects: its figures would mean nothing."""


@dataclass(frozen=True)
class Order:
    """What to send. Without `again` each request is sent once, and the slice ends when there are no more.

    `status` and `holds` are what every answer has to be and to hold.
    """

    port: int
    requests: Sequence[bytes]
    seconds: float
    status: int
    holds: bytes = b""
    again: bool = False
    connections: int = CONNECTIONS
    processes: int = 1
    """Of the server; each gets as many of the connections."""


@dataclass(frozen=True)
class Found:
    """`rate` is answers per second within the slice; p50 and p99, in ms, are of all that was sent."""

    rate: float
    p50: float
    p99: float
    sent: int
    statuses: dict[int, int] = field(default_factory=dict)


def run(order: Order) -> Found:
    """Play an order in a process of its own. Raises Wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"], input=pickle.dumps(order), capture_output=True, check=False, cwd=ROOT
    )
    if done.returncode:
        raise Wrong(done.stderr.decode().strip().splitlines()[-1])
    found = Found(**pickle.loads(done.stdout))
    if found.sent == 0:
        raise Wrong("nothing was sent")
    return found


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Return the bytes of a request; of a header's name `_` stands for `-`."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + END + body


def answer_of(received: bytes | bytearray) -> tuple[int, int, bool] | None:
    """Return status, length in bytes and whether the connection closes, of a whole answer; None until it is whole."""
    end = received.find(END)
    if end < 0:
        return None
    status = int(received[9:12])
    head = bytes(received[:end]).lower()
    at = head.find(LENGTH)
    if at < 0 and status not in NO_BODY:
        raise Wrong(f"an answer {status} without Content-Length")
    stop = head.find(b"\r\n", at + 2)
    length = 0 if at < 0 or status in NO_BODY else int(head[at + len(LENGTH) : None if stop < 0 else stop])
    whole = end + len(END) + length
    return (status, whole, CLOSES in head) if len(received) >= whole else None


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of the values that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -int(-len(ordered) * share // 1) - 1)]


class Load:
    """One slice: as many requests under way as there are connections."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._waiting = deque(order.requests)
        self._poll = select.epoll()
        self._sockets: dict[int, socket.socket] = {}
        self._begun: dict[int, float] = {}
        self._parts: dict[int, bytearray] = {}
        self._latencies: list[float] = []
        self._statuses: Counter[int] = Counter()
        self._sent = 0

    def play(self) -> Found:
        """Send until the time is over, then wait for what is under way. Raises Wrong."""
        try:
            return self._play()
        finally:
            self._poll.close()
            for one in self._sockets.values():
                one.close()

    def _play(self) -> Found:
        self._connect_all()
        begun = time.perf_counter()
        until = begun + self._order.seconds
        for descriptor in self._sockets:
            self._send(descriptor)
        in_time, last = self._receive(begun, until)
        seconds = self._order.seconds if self._waiting else min(last, until) - begun
        p50, p99 = (percentile(self._latencies, share) * 1000 for share in (0.5, 0.99))
        return Found(in_time / seconds, p50, p99, self._sent, dict(self._statuses))

    def _receive(self, begun: float, until: float) -> tuple[int, float]:
        """Take answers until each request has one; how many came in time, and when the last of those did."""
        in_time, last = 0, begun
        while self._begun:
            events = self._poll.poll(ANSWER_WITHIN)
            if not events:
                raise Wrong(f"no answer within {ANSWER_WITHIN:g} s")
            for descriptor, _ in events:
                if not self._take(descriptor):
                    continue
                now = time.perf_counter()
                self._latencies.append(now - self._begun.pop(descriptor))
                if now <= until:
                    in_time, last = in_time + 1, now
                    self._send(descriptor)
        return in_time, last

    def _connect_all(self) -> None:
        """Connect until each process of the server holds its share: left to chance, one of them gets nearly all."""
        port, each = self._order.port, self._order.connections // self._order.processes
        held: Counter[int] = Counter()
        for _ in range(TRIES):
            if len(self._sockets) == self._order.connections:
                return
            made = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_WITHIN)
            holder = 0 if self._order.processes == 1 else spread.holder(port, made.getsockname()[1])
            if holder is not None and held[holder] < each:
                held[holder] += 1
                self._keep(made)
            else:
                made.close()
        raise Wrong(f"{TRIES} connections, and one process did not take {each} of them: {dict(held)}")

    def _keep(self, made: socket.socket) -> None:
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sockets[made.fileno()] = made
        self._parts[made.fileno()] = bytearray()
        self._poll.register(made.fileno(), select.EPOLLIN)

    def _send(self, descriptor: int) -> None:
        if not self._waiting:
            return
        message = self._waiting.popleft()
        if self._order.again:
            self._waiting.append(message)
        self._begun[descriptor] = time.perf_counter()
        self._sockets[descriptor].sendall(message)
        self._sent += 1

    def _take(self, descriptor: int) -> bool:
        """Take what came on a connection; True when that was the end of the answer."""
        part = self._sockets[descriptor].recv(PART)
        received = self._parts[descriptor]
        received += part
        answer = answer_of(received)
        if answer is None:
            if not part:
                raise Wrong(f"the connection was closed before the answer: {bytes(received[:200])!r}")
            return False
        status, whole, closes = answer
        self._statuses[status] += 1
        if status != self._order.status or self._order.holds not in received:
            raise Wrong(f"expected {self._order.status} with {self._order.holds!r}: {bytes(received[:2000])!r}")
        if closes or whole != len(received):
            raise Wrong(f"the connection does not stay as it was: {bytes(received[:200])!r}")
        received.clear()
        return True


def main() -> None:
    order: Order = pickle.loads(sys.stdin.buffer.read())
    sys.stdout.buffer.write(pickle.dumps(asdict(Load(order).play())))


if __name__ == "__main__":
    main()
