"""What the web process refuses by itself, in the application's words."""

import json

import pytest
from structlog.testing import capture_logs

from app import refusals
from app.server import Unheard


@pytest.mark.parametrize("status", [400, 403, 414, 417, 431, 500, 501])
def test_what_is_no_request_is_answered_as_a_problem_that_names_it(status):
    head, _, body = refusals.no_request(status, "one").partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ") for line in lines)

    assert first.startswith(f"HTTP/1.1 {status} ")
    assert headers["Content-Type"] == "application/problem+json"
    assert headers["Connection"] == "close"
    assert int(headers["Content-Length"]) == len(body)
    problem = json.loads(body)
    assert problem["status"] == status
    assert problem["detail"] == problem["error"] != ""
    assert problem["request_id"] == headers["X-Request-Id"] == "one"


def test_a_delivery_that_waited_too_long_may_come_again():
    status, headers, body = refusals.too_many("one")

    assert status == json.loads(body)["status"] == 503
    assert dict(headers)["Retry-After"] == "1"
    assert json.loads(body)["code"] == "not_now"


def test_a_burst_of_refusals_is_one_line_and_the_next_burst_another():
    burst = refusals.Burst()
    moments = [5.0, 5.1, 6.0, 14.0, 23.9, 34.0, 34.5]
    with capture_logs() as lines:
        for moment in moments:
            burst.note(moment, 100)

    assert [(line["event"], line["log_level"]) for line in lines] == [("webhooks_refused", "warning")] * 2


def test_the_status_of_a_refusal_is_read_from_what_gunicorn_would_have_said():
    unheard = Unheard()
    assert unheard.status == 500
    unheard.sendall(b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n")
    assert unheard.status == 431
