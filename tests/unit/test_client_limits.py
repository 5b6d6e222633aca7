"""The client keeps to limits: of the CRM, of attempts, of time."""

import time
from dataclasses import replace

import pytest

import mock_crm
from app.core.world import World
from app.crm import CRMClient, CRMError, Rejected, Unavailable
from app.crm.errors import CircuitOpen
from tests.support.crm import InProcess
from tests.support.crm_client import CONFIG, create
from tests.support.server import serving
from tests.support.settings import CRM_PATH as PATH
from tests.support.settings import CRM_URL as URL
from tests.support.virtual_time import START, VirtualTime


@pytest.mark.parametrize(
    ("retry_after", "waited"), [("4", 4), ("0", 1), ("soon", 1), (None, 1), ("-3", 1), ("1.5", 1.5)]
)
def test_a_429_is_obeyed_and_never_answered_with_a_hot_loop(client, crm, clock, retry_after, waited):
    crm.fault("status", status=429, method="POST", **({} if retry_after is None else {"retry_after": retry_after}))

    create(client)

    assert waited - 0.001 <= sum(clock.slept) < waited + 0.5
    assert client.breaker.state == "closed"


def test_a_429_that_asks_for_long_ends_the_push_and_pauses_everybody(client, crm, clock):
    crm.fault("status", status=429, retry_after="9" * 30)
    with pytest.raises(Unavailable) as caught:
        create(client)
    assert caught.value.retry_after == 86400
    with pytest.raises(Unavailable):
        client.get(PATH, "CRM1")

    assert (len(crm.calls()), clock.slept) == (1, [])
    assert client.pace.paused_for() == 3600


def test_a_cap_on_calls_a_minute_holds_for_all_calls(crm, world, clock):
    client = CRMClient(replace(CONFIG, rate_limit_per_minute=30), world)
    client.session.mount(URL, crm.line)
    for _ in range(5):
        client.find(PATH, "nobody")

    assert sum(clock.slept) == pytest.approx(8, rel=0.03)


def test_the_whole_limit_of_a_crm_is_used_by_threads_without_a_429(tmp_path):
    time = VirtualTime()
    clock = {"MOCK_CRM_CLOCK": lambda: START.timestamp() + time.passed}
    app = mock_crm.create_app({"MOCK_CRM_DATABASE": tmp_path / "crm.db", "MOCK_CRM_RATE_LIMIT": 100, **clock})
    line = InProcess(app)
    line.before = line.after = lambda _: time.sleep(time.random.uniform(0.01, 0.1))
    config = replace(CONFIG, authentication_type="oauth", client_id="demo-client", client_secret="demo-secret")
    client = CRMClient(config, time.world(), tmp_path / "pace")
    client.session.mount(URL, line)

    def lane():
        while time.passed < 3 * 61:
            try:
                client.ping(PATH)
            except Unavailable:
                time.sleep(1)

    time.run(lambda: client.ping(PATH))  # the token, which counts against the limit, too
    time.run(*[lane] * 8)
    answered = app.test_client().get("/crm/_stats").json["by_status"]
    app.extensions["mock_crm"].stop()
    assert set(answered) == {"200"}
    assert answered["200"] >= 300


def test_the_circuit_opens_lets_one_call_try_and_says_once_that_the_crm_is_back(client, crm, clock):
    recovered = []
    client.on_recovery = lambda: recovered.append(1)
    crm.fault("status", status=500, count=None)
    for _ in range(5):
        with pytest.raises(CRMError):
            client.ping(PATH)
    asked = len(crm.calls())
    with pytest.raises(CircuitOpen):
        client.ping(PATH)
    assert len(crm.calls()) == asked
    assert client.breaker.state == "open"

    crm.heal()
    clock.pass_(seconds=client.breaker.opens_in())
    assert client.breaker.state == "half_open"
    client.ping(PATH)
    client.ping(PATH)

    assert (client.breaker.state, recovered) == ("closed", [1])


def test_a_crm_that_says_no_is_not_an_outage(once, line):
    line.patch(f"{URL}{PATH}/CRM1", status=422)
    for _ in range(10):
        with pytest.raises(Rejected):
            once.update(PATH, "CRM1", {}, version=None, key="k")

    assert once.breaker.state == "closed"


def test_at_most_so_many_attempts_as_configured(canned, line, clock):
    line.patch(f"{URL}{PATH}/CRM1", status=503)
    with pytest.raises(Unavailable):
        canned.update(PATH, "CRM1", {}, version=None, key="k")

    assert (len(line.calls), len(clock.slept)) == (3, 2)


def test_no_call_is_made_when_the_deadline_has_passed(canned, line, world):
    with pytest.raises(Unavailable):
        canned.get(PATH, "CRM1", deadline=world.monotonic())

    assert len(line.calls) == 0


def test_the_token_and_the_call_share_one_deadline_with_all_retries():
    def answer(server, connection, head):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        server.drip(connection, b"x" * 100000, 0.02)

    config = replace(CONFIG, authentication_type="oauth", client_id="c", client_secret="s")
    with serving(answer) as server:
        client = CRMClient(replace(config, base_url=server.url, timeout=5), World())
        began = time.monotonic()
        with pytest.raises(Unavailable):
            create(client, deadline=began + 0.6)
        assert time.monotonic() - began < 1.2
        client.session.close()
