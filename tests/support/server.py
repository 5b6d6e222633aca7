"""A server on real sockets that answers as badly as a test wants, and a session to call it."""

import socket
import threading
import time
from contextlib import contextmanager, suppress

from app.crm.transport import BoundedSession

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Server:
    """Answers each request on 127.0.0.1 with what `answer(connection, head)` writes; counts connections and heads."""

    def __init__(self, answer, context=None):
        self.answer, self.context = answer, context
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.listener.getsockname()[1]}"
        self.connections = []
        self.heads = []
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    def _accept(self):
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.connections.append(connection)
                thread = threading.Thread(target=self._serve, args=(connection,))
                self.threads.append(thread)
                thread.start()

    def _serve(self, connection):
        with suppress(OSError), connection:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            while head := self._head(connection):
                self.heads.append(head)
                self.answer(connection, head)

    @staticmethod
    def _head(connection):
        data = b""
        while b"\r\n\r\n" not in data:
            part = connection.recv(65536)
            if not part:
                return b""
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")), 0
        )
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def drip(self, connection, data, every=0.03):
        for place in range(len(data)):
            if self.stopping.wait(every):
                return
            connection.sendall(data[place : place + 1])

    def stop(self):
        self.stopping.set()
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        for thread in self.threads:
            thread.join(5)


@contextmanager
def serving(answer, context=None):
    server = Server(lambda connection, head: answer(server, connection, head), context)
    try:
        yield server
    finally:
        server.stop()


def always(data):
    return lambda server, connection, head: connection.sendall(data)


def cut_after(data):
    def answer(server, connection, head):
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    return answer


@contextmanager
def session(url, timeout=5.0):
    with BoundedSession(url, timeout) as made:
        yield made


@contextmanager
def lasting(least, most):
    began = time.monotonic()
    yield
    assert least <= time.monotonic() - began <= most
