"""What the benchmarks could get wrong without a run showing it: reading answers, percentiles, ratios and targets."""

import os
import socket

import pytest

from benchmarks import load, spread
from benchmarks.bench import Row
from benchmarks.load import ROOT, Load, Order, Wrong, answer_of, percentile, request
from benchmarks.patience import paired_within
from benchmarks.profile import part_of, shares
from tests.support.server import OK, always, serving

CREATED = b"HTTP/1.1 201 CREATED\r\nServer: x\r\ncontent-length: 5\r\nConnection: keep-alive\r\n\r\nhello"


@pytest.mark.parametrize("length", range(len(CREATED)))
def test_an_answer_that_has_not_all_arrived_is_waited_for(length):
    assert answer_of(CREATED[:length]) is None


def test_an_answer_ends_where_its_length_says():
    assert answer_of(CREATED) == (201, len(CREATED), False)
    assert answer_of(CREATED + b"HTTP/1.1 2") == (201, len(CREATED), False)


def test_a_length_in_the_last_header_is_read():
    assert answer_of(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") == (200, 38, False)


def test_a_304_has_no_body_whatever_its_headers_say():
    head = b"HTTP/1.1 304 NOT MODIFIED\r\nContent-Length: 92\r\n\r\n"
    assert answer_of(head) == (304, len(head), False)


def test_an_answer_after_which_the_connection_closes_is_known():
    assert answer_of(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")[2]


def test_an_answer_without_a_length_is_refused():
    with pytest.raises(Wrong, match="without Content-Length"):
        answer_of(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


@pytest.mark.parametrize(
    ("count", "share", "expected"), [(100, 0.99, 99), (101, 0.99, 100), (100, 0.5, 50), (1, 0.99, 1)]
)
def test_a_percentile_is_the_least_value_that_the_share_does_not_exceed(count, share, expected):
    assert percentile([float(one) for one in range(count, 0, -1)], share) == expected


def order(server, **more):
    given = {"requests": [request("GET", "/")] * 10, "seconds": 5.0, "status": 200, "connections": 2} | more
    return Order(int(server.url.rpartition(":")[2]), **given)


def test_requests_that_are_sent_once_end_the_slice():
    with serving(always(OK)) as server:
        found = Load(order(server, holds=b"{}")).play()
        assert (found.sent, found.statuses, len(server.heads)) == (10, {200: 10}, 10)
        assert found.rate > 10 / 5.0
        assert 0 < found.p50 <= found.p99


@pytest.mark.parametrize("wrong", [{"status": 201}, {"holds": b"applied"}])
def test_an_answer_that_is_not_the_expected_one_fails_the_bench(wrong):
    with serving(always(OK)) as server, pytest.raises(Wrong, match="expected"):
        Load(order(server, **wrong)).play()


@pytest.mark.parametrize(
    ("better", "target", "is_met"),
    [("more", 2.0, True), ("more", 2.1, False), ("less", 2.0, True), ("less", 1.9, False), ("less", None, None)],
)
def test_a_target_is_asked_of_the_median_of_the_ratios(better, target, is_met):
    row = Row("what", "s", [10.0, 4.0, 9.0], [1.0, 2.0, 9.0], better, target)  # 10, 2 and 1: not 9 to 2
    assert row.ratio == 2.0
    assert row.is_met is is_met


FRAMES = {
    "SQL and transactions": f"run ({ROOT}/app/http/rest.py:9);find ({ROOT}/app/store/records.py:3);execute (/x/site-packages/sqlalchemy/engine/base.py:1)",
    "validation and mapping": f"load ({ROOT}/app/core/schema.py:4);loads (/usr/lib/python3.11/json/__init__.py:2)",
    "log lines and metrics": "go (/usr/lib/python3.11/threading.py:1);info (/usr/lib/python3.11/logging/__init__.py:7)",
    "other": "main (/usr/lib/python3.11/runpy.py:1)",
}


@pytest.mark.parametrize("part", FRAMES)
def test_a_sample_counts_for_the_innermost_part_that_it_names(part):
    assert part_of(FRAMES[part]) == part


def test_shares_are_of_all_samples():
    found, samples = shares(f"{FRAMES['SQL and transactions']} 3\n{FRAMES['other']} 1\n")

    assert (found["SQL and transactions"], found["other"], found["calls to the CRM"], samples) == (0.75, 0.25, 0, 4)


def test_a_profile_without_samples_is_none():
    with pytest.raises(Wrong, match="saw nothing"):
        shares("")


def test_rounds_that_are_asked_for_are_played_however_long_they_take(monkeypatch):
    monkeypatch.setenv("ROUNDS", "4")

    assert paired_within(0.0, 2, lambda: 1.0, lambda: 2.0) == [[1.0] * 4, [2.0] * 4]


def test_without_being_asked_a_round_that_would_end_too_late_is_not_begun(monkeypatch):
    monkeypatch.delenv("ROUNDS", raising=False)

    assert paired_within(0.0, 2, lambda: 1.0, lambda: 2.0) == [[1.0], [2.0]]


def test_who_holds_a_connection_is_found_out():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            accepted, _ = server.accept()
            with accepted:
                assert spread.holder(port, client.getsockname()[1]) == os.getpid()


def test_connections_that_no_second_process_takes_fail_the_bench(monkeypatch):
    monkeypatch.setattr(load, "TRIES", 5)
    with serving(always(OK)) as server, pytest.raises(Wrong, match="did not take"):
        Load(order(server, processes=2)).play()
