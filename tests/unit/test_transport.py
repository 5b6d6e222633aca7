"""Calls over real sockets: bounded in time and size, to one address only, over connections that are kept."""

import gzip
import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.crm import transport
from app.crm.transport import BoundedSession, TooLarge

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


def test_connections_are_kept_and_used_again():
    with serving(always(OK)) as server, session(server.url) as line:
        for _ in range(5):
            assert line.get(server.url).content == b"{}"

        assert (len(server.heads), len(server.connections)) == (5, 1)


@pytest.mark.parametrize(
    "dripped",
    [
        OK.replace(b"\r\n\r\n", b"\r\nX-Pad: " + b"x" * 200 + b"\r\n\r\n"),
        b"HTTP/1.1 100 Continue\r\n\r\n" * 20,
    ],
    ids=["headers", "continues"],
)
def test_headers_that_drip_end_by_the_deadline(dripped):
    def answer(server, connection, head):
        server.drip(connection, dripped)

    with (
        serving(answer) as server,
        session(server.url, 0.3) as line,
        lasting(0.2, 0.9),
        pytest.raises(requests.RequestException),
    ):
        line.get(server.url)


def test_a_body_that_drips_ends_by_the_deadline():
    def answer(server, connection, head):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
        server.drip(connection, b"x" * 500)

    with (
        serving(answer) as server,
        session(server.url, 0.3) as line,
        lasting(0.2, 0.9),
        pytest.raises(requests.RequestException),
    ):
        line.get(server.url)


def test_an_answer_that_never_comes_ends_by_the_deadline():
    def answer(server, connection, head):
        server.stopping.wait(5)

    with (
        serving(answer) as server,
        session(server.url, 0.3) as line,
        lasting(0.2, 0.9),
        pytest.raises(requests.RequestException),
    ):
        line.post(server.url, json={})


def test_a_request_that_nobody_reads_ends_by_the_deadline():
    with socket.create_server(("127.0.0.1", 0)) as silent, lasting(0.2, 1.5):
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with session(url, 0.3) as line, pytest.raises(requests.RequestException):
            line.post(url, data=b"x" * 20_000_000)


def test_a_budget_bounds_all_calls_inside_together():
    def answer(server, connection, head):
        server.stopping.wait(0.2)
        connection.sendall(OK)

    with serving(answer) as server, session(server.url) as line, lasting(0.3, 0.8):
        with line.within(0.35):
            line.get(server.url)
            with pytest.raises(requests.RequestException):
                line.get(server.url)
        assert line.remaining() == 5.0


def test_nothing_is_sent_when_no_time_is_left():
    with serving(always(OK)) as server, session(server.url) as line:
        with line.within(0), pytest.raises(requests.ConnectTimeout):
            line.get(server.url)

        assert server.connections == []


def test_addresses_that_do_not_answer_share_the_time(monkeypatch):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            with suppress(BlockingIOError):
                filler.connect(address)
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)] * 4
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)
        with session("http://crm.example", 0.4) as line, lasting(0.3, 1.0), pytest.raises(requests.ConnectTimeout):
            line.get("http://crm.example")
        for filler in fillers:
            filler.close()


def test_a_second_address_is_tried_when_the_first_refuses(monkeypatch):
    with serving(always(OK)) as server, session(server.url) as line:
        good = server.listener.getsockname()
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", each) for each in (("127.0.0.1", 1), good)]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_: found)

        assert line.get("http://crm.example").content == b"{}"


def test_an_endless_body_is_refused_in_bounded_memory():
    sent = []

    def answer(server, connection, head):
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while not server.stopping.is_set():
            connection.sendall(b"x" * 65536)
            sent.append(65536)

    with serving(answer) as server, session(server.url, 20) as line:
        with pytest.raises(TooLarge):
            line.get(server.url)

        assert sum(sent) < transport.MAX_ANSWER + 16 * 1024 * 1024


def test_a_small_body_that_unpacks_to_a_huge_one_is_refused(monkeypatch):
    monkeypatch.setattr(transport, "MAX_ANSWER", 1024 * 1024)
    bomb = gzip.compress(b"x" * 20_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()

    with serving(always(head + bomb)) as server, session(server.url) as line, pytest.raises(TooLarge):
        line.get(server.url)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_its_body_is_bounded(status, monkeypatch):
    monkeypatch.setattr(transport, "MAX_ANSWER", 1024)
    with serving(always(OK)) as elsewhere:
        head = f"HTTP/1.1 {status} Go\r\nLocation: {elsewhere.url}\r\nContent-Length: "
        with serving(always(f"{head}0\r\n\r\n".encode())) as server, session(server.url) as line:
            answer = line.post(server.url, json={}, headers={"Authorization": "Bearer t"})
            assert (answer.status_code, answer.history) == (status, [])
        with serving(always(f"{head}5000\r\n\r\n{'x' * 5000}".encode())) as server, session(server.url) as line:  # noqa: SIM117
            with pytest.raises(TooLarge):
                line.get(server.url)

        assert elsewhere.connections == []


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 two OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70000 + b"\r\n\r\n",
    ],
    ids=lambda data: repr(data[-12:]),
)
def test_a_broken_answer_is_an_error_of_requests_and_is_not_asked_for_again(answer):
    with serving(cut_after(answer)) as server, session(server.url) as line:
        with pytest.raises(requests.RequestException):
            line.post(server.url, json={})

        assert len(server.heads) == 1


@pytest.mark.parametrize("location", [b"\xff\xfe", b"http://[", b"//", b""])
def test_a_senseless_location_does_no_harm(location):
    data = b"HTTP/1.1 302 Go\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
    with serving(always(data)) as server, session(server.url) as line:
        assert line.get(server.url).status_code == 302


def test_a_5xx_is_not_asked_again_by_the_transport():
    data = b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
    with serving(always(data)) as server, session(server.url) as line:
        assert line.get(server.url).status_code == 503
        assert len(server.heads) == 1


def test_cookies_are_not_kept():
    data = OK.replace(b"Content-Length", b"Set-Cookie: sid=1; Path=/\r\nContent-Length")
    with serving(always(data)) as server, session(server.url) as line:
        line.get(server.url)
        line.get(server.url)

        assert not line.cookies
        assert b"cookie" not in server.heads[1].lower()


def test_netrc_does_not_replace_our_authorization(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(always(OK)) as server, session(server.url) as line:
        line.get(server.url, headers={"Authorization": "Bearer ours"})
        line.get(server.url)

        assert b"Bearer ours" in server.heads[0]
        assert b"authorization" not in server.heads[1].lower()


def test_a_call_through_a_proxy_is_bounded_too(monkeypatch):
    def answer(server, connection, head):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
        server.drip(connection, b"x" * 500)

    with serving(answer) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        with session("http://crm.example", 0.3) as line, lasting(0.2, 0.9), pytest.raises(requests.RequestException):
            line.get("http://crm.example/crm")

        assert proxy.heads[0].startswith(b"GET http://crm.example/crm ")


# ── TLS ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "crm")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    form = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, form)
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def tls(certificate, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_body_that_drips_over_tls_ends_by_the_deadline(tls):
    def answer(server, connection, head):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
        server.drip(connection, b"x" * 500)

    with serving(answer, tls) as server, session(server.url, 0.4) as line, lasting(0.2, 1.0):
        with pytest.raises(requests.RequestException):
            line.get(server.url)

        assert len(server.heads) == 1


def test_tls_connections_are_kept_too(tls):
    with serving(always(OK), tls) as server, session(server.url) as line:
        assert [line.get(server.url).content for _ in range(3)] == [b"{}"] * 3
        assert len(server.connections) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(tls, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with serving(always(OK), tls) as server, session(server.url) as line:
        with pytest.raises(requests.exceptions.SSLError):
            line.get(server.url)

        assert server.heads == []


def test_a_handshake_that_never_ends_ends_by_the_deadline():
    with socket.create_server(("127.0.0.1", 0)) as silent, lasting(0.2, 0.9):
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        with session(url, 0.3) as line, pytest.raises(requests.RequestException):
            line.get(url)
