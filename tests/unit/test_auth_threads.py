"""Many threads share one token, and one call for it."""

import json
import threading
import time
from dataclasses import replace

import pytest

from app.core.world import World
from app.crm import CRMClient, CRMError, OutcomeUnknown, Unavailable
from tests.support.server import serving
from tests.support.settings import CRM_PATH as PATH
from tests.support.sign_in import OAUTH, RECORD


def together(number, call):
    """Run `call` in so many threads at once; return what each ended in."""
    barrier, ended = threading.Barrier(number), []

    def run():
        barrier.wait()
        try:
            ended.append(call())
        except CRMError as error:
            ended.append(error)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(ended) == number
    return ended


def reply(connection, status, body):
    data = json.dumps(body).encode()
    connection.sendall(f"HTTP/1.1 {status} X\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)


def test_fifty_threads_with_an_expired_token_make_one_token_call():
    issued = []

    def answer(server, connection, head):
        if head.startswith(b"POST /crm/token"):
            time.sleep(0.05)
            issued.append(f"t{len(issued)}")
            reply(connection, 200, {"access_token": issued[-1], "expires_in": 3600})
        else:
            good = f"Bearer {issued[-1]}".encode() in head and issued[-1] != "t0"
            reply(connection, 200 if good else 401, RECORD)

    with serving(answer) as server:
        crm = CRMClient(replace(OAUTH, base_url=server.url), World())
        ended = together(50, lambda: crm.get(PATH, "CRM1"))
        crm.session.close()

    assert {getattr(one, "crm_id", one) for one in ended} == {"CRM1"}
    assert issued == ["t0", "t1"]


@pytest.mark.parametrize("status", [401, 503])
def test_a_token_endpoint_that_refuses_is_not_stormed(status):
    def answer(server, connection, head):
        time.sleep(0.05)
        reply(connection, status, {"error": "invalid_client"})

    with serving(answer) as server:
        crm = CRMClient(replace(OAUTH, base_url=server.url), World(sleep=lambda _: time.sleep(0.01)))
        ended = together(50, lambda: crm.get(PATH, "CRM1"))
        crm.session.close()

        assert all(isinstance(one, Unavailable) and not isinstance(one, OutcomeUnknown) for one in ended)
        assert len(server.heads) <= 8


def test_a_token_endpoint_that_is_slow_holds_nobody_beyond_the_deadline():
    def answer(server, connection, head):
        server.stopping.wait(5)

    with serving(answer) as server:
        crm = CRMClient(replace(OAUTH, base_url=server.url, timeout=5), World())
        began = time.monotonic()
        ended = together(20, lambda: crm.get(PATH, "CRM1", deadline=time.monotonic() + 0.4))

        assert time.monotonic() - began < 1.5
        assert all(isinstance(one, Unavailable) for one in ended)
        assert len(server.heads) <= 3
        crm.session.close()


def test_one_failed_token_call_counts_once_however_many_wait_for_it():
    answers = [503, 200]

    def answer(server, connection, head):
        if head.startswith(b"POST /crm/token"):
            time.sleep(0.1)
            reply(connection, answers.pop(0), {"access_token": "t", "expires_in": 3600})
        else:
            reply(connection, 200, RECORD)

    with serving(answer) as server:
        crm = CRMClient(replace(OAUTH, base_url=server.url), World(sleep=lambda _: time.sleep(0.01)))
        ended = together(30, lambda: crm.get(PATH, "CRM1"))
        crm.session.close()

    assert {getattr(one, "crm_id", one) for one in ended} == {"CRM1"}
