"""Calls over real sockets: bounded in size, to one address only, over connections that are kept."""

import gzip
import socket

import pytest
import requests

from app.crm import transport
from app.crm.transport import TooLarge
from tests.support.server import OK, always, cut_after, serving, session


def test_connections_are_kept_and_used_again():
    with serving(always(OK)) as server, session(server.url) as line:
        for _ in range(5):
            assert line.get(server.url).content == b"{}"

        assert (len(server.heads), len(server.connections)) == (5, 1)


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
