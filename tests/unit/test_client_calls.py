"""The client's calls: what is never sent, what is passed on and counted, and calls without an answer."""

import socket
from dataclasses import replace

import pytest
import requests
import structlog

from app.crm import CRMClient, CRMError, NotThere, OutcomeUnknown, Rejected, Unavailable
from tests.support.crm_client import CONFIG, CREATED, create
from tests.support.settings import CRM_PATH as PATH
from tests.support.settings import CRM_URL as URL


def test_a_redirect_is_not_followed_and_our_key_goes_nowhere_else(once, line):
    line.post(f"{URL}{PATH}", status=302, headers={"Location": "http://elsewhere.example/"})
    line.get("http://elsewhere.example/", json=CREATED)
    line.post("http://elsewhere.example/", json=CREATED)
    with pytest.raises(OutcomeUnknown):
        create(once)

    assert [call.request.url for call in line.calls] == [f"{URL}{PATH}"]


def test_what_cannot_be_written_as_json_is_rejected_and_not_sent(once, line):
    with pytest.raises(Rejected):
        once.create(PATH, {"score": float("nan")}, external_id="x", key="k")

    assert len(line.calls) == 0


@pytest.mark.parametrize(
    ("problem", "expected"),
    [
        (requests.ConnectTimeout("x"), Unavailable),
        (requests.ReadTimeout("x"), OutcomeUnknown),
        (requests.ConnectionError("x"), OutcomeUnknown),
        (requests.exceptions.ChunkedEncodingError("x"), OutcomeUnknown),
        (requests.exceptions.SSLError("x"), OutcomeUnknown),
        (requests.exceptions.InvalidHeader("x"), OutcomeUnknown),
        (requests.RequestException(), OutcomeUnknown),
    ],
)
def test_a_call_without_an_answer_is_sorted_by_whether_it_was_sent(once, line, problem, expected):
    line.post(f"{URL}{PATH}", body=problem)
    with pytest.raises(CRMError) as caught:
        create(once)

    assert type(caught.value) is expected


def test_a_closed_port_is_unavailable_not_unknown(world):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    with pytest.raises(Unavailable) as caught:
        create(CRMClient(replace(CONFIG, base_url=url), world))

    assert type(caught.value) is Unavailable


def test_the_request_id_is_passed_on(client, crm):
    with structlog.contextvars.bound_contextvars(request_id="req-1"):
        client.find(PATH, "nobody")
    client.find(PATH, "nobody")

    with_id, without = crm.calls()
    assert with_id.headers["X-Request-Id"] == "req-1"
    assert "X-Request-Id" not in without.headers


def test_every_call_is_counted_with_its_outcome(client, crm):
    counted = []
    client.on_call = lambda method, outcome: counted.append((method, outcome))
    crm.fault("cut_after", method="POST")
    create(client)

    assert counted == [("POST", "no_answer"), ("GET", "200")]


@pytest.mark.parametrize("crm_id", ["..", ".", ""])
def test_an_id_that_would_be_another_address_is_never_asked_for(canned, line, crm_id):
    with pytest.raises(NotThere):
        canned.get(PATH, crm_id)

    assert len(line.calls) == 0
