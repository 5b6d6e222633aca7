"""Calls over real sockets end by their deadline, whatever drips or hangs."""

import socket
from contextlib import suppress

import pytest
import requests

from tests.support.server import OK, always, lasting, serving, session


def expect_the_deadline(answer):
    with (
        serving(answer) as server,
        session(server.url, 0.3) as line,
        lasting(0.2, 0.9),
        pytest.raises(requests.RequestException),
    ):
        line.get(server.url)


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

    expect_the_deadline(answer)


def test_a_body_that_drips_ends_by_the_deadline():
    def answer(server, connection, head):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
        server.drip(connection, b"x" * 500)

    expect_the_deadline(answer)


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
