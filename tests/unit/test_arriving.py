"""When a request has arrived whole, however it was cut into parts."""

import pytest

from app.server import LARGEST_BODY, LONGEST_HEAD, Arriving

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde"
CHUNKS = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"
MORE = CHUNKS.replace(b"5\r\n", b"5;a=b\r\n").replace(b"0\r\n", b"0;c\r\nX-A: b\r\nX-C: d\r\n")
HUGE = b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n"


@pytest.mark.parametrize("request_", [GET, POST, CHUNKS, MORE])
def test_a_request_is_whole_with_its_last_byte(request_):
    arriving = Arriving(b"")
    for place in range(len(request_)):
        assert not arriving.is_whole
        arriving.add(request_[place : place + 1])
    assert arriving.is_whole
    assert bytes(arriving.received) == request_
    assert Arriving(request_).is_whole


def test_a_head_without_end_and_a_body_that_is_too_large_are_handed_over_to_be_refused():
    assert not Arriving(b"x" * (LONGEST_HEAD - 1)).is_whole
    assert Arriving(b"x" * LONGEST_HEAD).is_whole
    assert not Arriving(HUGE).is_whole
    assert Arriving(HUGE + b"x" * LARGEST_BODY).is_whole


@pytest.mark.parametrize("line", [b"zz", b"", b"-1", b"5 5"])
def test_what_is_no_chunk_is_handed_over_to_be_refused(line):
    head = CHUNKS.partition(b"5\r\nabcde")[0]

    assert Arriving(head + line + b"\r\n").is_whole


def test_a_client_that_waits_to_be_told_is_told_once():
    arriving = Arriving(b"")
    assert arriving.add(POST.partition(b"abcde")[0].replace(b"Host: x", b"Expect: 100-continue"))
    assert not arriving.add(b"abcde")
    assert arriving.is_whole
    assert not Arriving(b"").add(POST.replace(b"Host: x", b"Expect: 100-continue"))
