"""Who we are to the CRM: tokens are shared, renewed once, and no secret is ever written anywhere."""

import json
import logging
import threading
import time
import traceback
from dataclasses import replace
from urllib.parse import parse_qs

import pytest
import responses

from app.core.world import World
from app.crm import CRMClient, CRMConfig, CRMError, OutcomeUnknown, Unavailable
from app.crm.auth import DEFAULT_LIFETIME, LONGEST_LIFETIME
from tests.unit.test_transport import serving

URL = "http://crm.example"
PATH = "/crm/users"
RECORD = {"crm_id": "CRM1", "version": 1, "name": "Ann"}
OAUTH = CRMConfig(URL, client_id="client", client_secret="s3cret&=+ é☃")
JWT = CRMConfig(URL, authentication_type="jwt", username="ann", password="pa55word")
KEY = CRMConfig(URL, authentication_type="api_key", api_key="k3y-0123456789")
TOKEN, LOGIN, REFRESH = (f"{URL}/crm/{each}" for each in ("token", "auth/login", "auth/refresh"))


@pytest.fixture
def line():
    """The CRM as canned answers; every one must be asked for as often as it is registered to matter."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def record(line, *statuses):
    for status in statuses or (200,):
        line.get(f"{URL}{PATH}/CRM1", json=RECORD if status == 200 else {"error": "no"}, status=status)


def token(line, value="t1", url=TOKEN, status=200, **more):
    line.post(url, json={"access_token": value, "expires_in": 3600, **more}, status=status)


def count(line, url):
    return sum(call.request.url == url for call in line.calls)


def sent(line):
    """Return what the calls for records proved themselves with."""
    return [call.request.headers["Authorization"] for call in line.calls if PATH in call.request.url]


# ── client credentials ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_token_is_asked_for_once_and_used_until_shortly_before_it_expires(line, world, clock):
    token(line, "t1"), token(line, "t2"), record(line)
    crm = CRMClient(OAUTH, world)
    crm.get(PATH, "CRM1")
    clock.pass_(seconds=3539)
    crm.get(PATH, "CRM1")
    clock.pass_(seconds=2)
    crm.get(PATH, "CRM1")

    assert sent(line) == ["Bearer t1", "Bearer t1", "Bearer t2"]


def test_the_secret_arrives_as_it_is(line, world):
    token(line), record(line)
    CRMClient(OAUTH, world).get(PATH, "CRM1")

    form = parse_qs(line.calls[0].request.body)
    assert form == {
        "grant_type": ["client_credentials"],
        "client_id": ["client"],
        "client_secret": [OAUTH.client_secret],
    }


@pytest.mark.parametrize(
    ("expires_in", "lifetime"),
    [
        (3600, 3600),
        ("3600", 3600),
        (10, 10),
        (1.5, 1.5),
        (None, DEFAULT_LIFETIME),
        (0, DEFAULT_LIFETIME),
        (-5, DEFAULT_LIFETIME),
        ("soon", DEFAULT_LIFETIME),
        (True, DEFAULT_LIFETIME),
        ([1], DEFAULT_LIFETIME),
        (float("nan"), DEFAULT_LIFETIME),
        (float("inf"), LONGEST_LIFETIME),
        pytest.param(10**400, DEFAULT_LIFETIME, id="huge"),
        (10**12, LONGEST_LIFETIME),
    ],
)
def test_odd_lifetimes_neither_break_nor_renew_at_every_call(line, world, clock, expires_in, lifetime):
    token(line, expires_in=expires_in), token(line, "t2"), record(line)
    crm = CRMClient(OAUTH, world)
    for _ in range(3):
        crm.get(PATH, "CRM1")
    assert count(line, TOKEN) == 1
    clock.pass_(seconds=lifetime)
    crm.get(PATH, "CRM1")
    assert count(line, TOKEN) == 2


@pytest.mark.parametrize("value", [None, "", " ", 5, {}, "a\nb", "é", "\ud800"])
def test_a_token_that_is_none_is_unavailable(line, world, value):
    token(line, value)
    with pytest.raises(Unavailable) as caught:
        CRMClient(OAUTH, world).get(PATH, "CRM1")

    assert not isinstance(caught.value, OutcomeUnknown)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"<html>", b'{"access', b"[" * 100_000, b'{"error": {"a": 1}}', b"\xff\xfe\x00"],
    ids=lambda body: repr(body[:12]),
)
@pytest.mark.parametrize("status", [200, 302, 401, 429, 503])
@pytest.mark.parametrize("config", [OAUTH, JWT], ids=["oauth", "jwt"])
def test_any_senseless_answer_to_a_sign_in_is_unavailable(line, world, body, status, config):
    for url in (TOKEN, LOGIN):
        line.post(url, body=body, status=status, headers={"Location": "http://elsewhere.example"})
    with pytest.raises(Unavailable) as caught:
        CRMClient(replace(config, max_retries=1), world).get(PATH, "CRM1")

    assert not isinstance(caught.value, OutcomeUnknown)


def test_a_refused_client_is_not_asked_for_again_within_the_push(line, world):
    line.post(TOKEN, json={"error": "invalid_client"}, status=401)
    with pytest.raises(Unavailable, match="invalid_client"):
        CRMClient(OAUTH, world).get(PATH, "CRM1")

    assert count(line, TOKEN) == 1


def test_a_token_endpoint_that_asks_for_time_gets_it(line, world, clock):
    line.post(TOKEN, json={}, status=429, headers={"Retry-After": "6"})
    token(line), record(line)
    crm = CRMClient(OAUTH, world)
    crm.get(PATH, "CRM1")

    assert clock.passed == 6
    assert crm.breaker.state == "closed"


def test_a_token_that_is_refused_is_renewed_once_and_the_call_repeated(line, world):
    token(line, "t1"), token(line, "t2"), record(line, 401, 200)
    CRMClient(OAUTH, world).get(PATH, "CRM1")

    assert sent(line) == ["Bearer t1", "Bearer t2"]


def test_a_fresh_token_that_is_refused_too_is_unavailable_and_no_loop(line, world, clock):
    token(line, "t1"), token(line, "t2"), record(line, 401)
    crm = CRMClient(OAUTH, world)
    with pytest.raises(Unavailable) as caught:
        crm.get(PATH, "CRM1")

    assert caught.value.status == 401
    assert not isinstance(caught.value, OutcomeUnknown)
    assert sent(line) == ["Bearer t1", "Bearer t2"]
    assert clock.slept == []


def test_a_crm_that_gives_the_same_token_again_is_believed(line, world):
    token(line, "same"), record(line, 401, 200)
    crm = CRMClient(OAUTH, world)
    for _ in range(3):
        crm.get(PATH, "CRM1")

    assert count(line, TOKEN) == 2


# ── a login with JWTs ────────────────────────────────────────────────────────────────────────────────────────────


def bodies(line, url):
    return [json.loads(call.request.body) for call in line.calls if call.request.url == url]


def test_a_login_is_renewed_by_its_refresh_token(line, world, clock):
    token(line, "t1", LOGIN, refresh_token="r1"), token(line, "t2", REFRESH, refresh_token="r2")
    record(line)
    crm = CRMClient(JWT, world)
    for _ in range(3):
        crm.get(PATH, "CRM1")
        clock.pass_(hours=1)

    assert bodies(line, LOGIN) == [{"username": "ann", "password": "pa55word"}]
    assert bodies(line, REFRESH) == [{"refresh_token": "r1"}, {"refresh_token": "r2"}]
    assert sent(line) == ["Bearer t1", "Bearer t2", "Bearer t2"]


def test_a_refresh_token_that_is_not_replaced_stays_good(line, world, clock):
    token(line, "t1", LOGIN, refresh_token="r1"), token(line, "t2", REFRESH), record(line)
    crm = CRMClient(JWT, world)
    for _ in range(3):
        crm.get(PATH, "CRM1")
        clock.pass_(hours=1)

    assert bodies(line, REFRESH) == [{"refresh_token": "r1"}] * 2


@pytest.mark.parametrize(("status", "body"), [(401, {"error": "invalid_token"}), (404, {}), (200, {}), (200, [])])
def test_a_refresh_that_is_refused_is_followed_by_a_new_login(line, world, clock, status, body):
    token(line, "t1", LOGIN, refresh_token="r1"), token(line, "t2", LOGIN)
    line.post(REFRESH, json=body, status=status)
    record(line)
    crm = CRMClient(JWT, world)
    crm.get(PATH, "CRM1")
    clock.pass_(hours=1)
    crm.get(PATH, "CRM1")

    assert sent(line) == ["Bearer t1", "Bearer t2"]


def test_a_refresh_that_finds_the_crm_busy_does_not_send_the_password(line, world, clock):
    token(line, "t1", LOGIN, refresh_token="r1"), record(line)
    line.post(REFRESH, status=503)
    crm = CRMClient(JWT, world)
    crm.get(PATH, "CRM1")
    clock.pass_(hours=1)
    with pytest.raises(Unavailable):
        crm.get(PATH, "CRM1")

    assert count(line, LOGIN) == 1


@pytest.mark.parametrize("kind", ["oauth", "jwt", "api_key"])
def test_each_way_to_sign_in_works_with_the_mock_crm(crm, world, kind):
    about = {
        "client_id": "demo-client",
        "client_secret": "demo-secret",
        "username": "demo",
        "password": "demo-password",
    }
    client = CRMClient(CRMConfig(URL, authentication_type=kind, api_key="demo-api-key", **about), world)
    client.session.mount(URL, crm.line)

    assert client.find(PATH, "nobody") is None


# ── an API key ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_api_key_travels_in_its_own_header(line, world):
    record(line)
    CRMClient(KEY, world).get(PATH, "CRM1")

    headers = line.calls[0].request.headers
    assert headers["X-API-Key"] == KEY.api_key
    assert "Authorization" not in headers


def test_an_api_key_that_is_refused_is_not_sent_again(line, world):
    record(line, 401)
    with pytest.raises(Unavailable):
        CRMClient(KEY, world).get(PATH, "CRM1")

    assert len(line.calls) == 1


# ── many threads ─────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── secrets stay secret ──────────────────────────────────────────────────────────────────────────────────────────

SECRETS = (OAUTH.client_secret, JWT.password, KEY.api_key, "hush-token", "hush-refresh")


@pytest.mark.parametrize("config", [OAUTH, JWT, KEY])
def test_the_configuration_does_not_show_its_secrets(config):
    assert not [secret for secret in SECRETS if secret in repr(config)]


@pytest.mark.parametrize("config", [OAUTH, JWT, KEY], ids=["oauth", "jwt", "api_key"])
@pytest.mark.parametrize("status", [200, 400, 401, 403, 500])
def test_no_secret_gets_into_a_log_or_an_error(line, world, caplog, config, status):
    echo = {"error": " ".join(SECRETS), "error_description": " ".join(SECRETS), "message": " ".join(SECRETS)}
    caplog.set_level(logging.DEBUG)
    for url in (TOKEN, LOGIN):
        line.post(url, json=echo, status=status)
    line.get(f"{URL}{PATH}/CRM1", json=echo, status=401)
    with pytest.raises(Unavailable) as caught:
        CRMClient(config, world).get(PATH, "CRM1")

    written = caplog.text + "".join(traceback.format_exception(caught.value))
    assert not [secret for secret in SECRETS if secret in written]


@pytest.mark.parametrize("config", [OAUTH, JWT], ids=["oauth", "jwt"])
def test_no_token_gets_into_a_log_or_an_error(line, world, caplog, config):
    caplog.set_level(logging.DEBUG)
    for url in (TOKEN, LOGIN):
        token(line, "hush-token", url, refresh_token="hush-refresh")
    record(line, 401)
    with pytest.raises(Unavailable) as caught:
        CRMClient(config, world).get(PATH, "CRM1")

    written = caplog.text + "".join(traceback.format_exception(caught.value))
    assert not [secret for secret in SECRETS if secret in written]


def test_a_line_that_is_cut_at_the_token_call_says_nothing_of_what_was_sent(caplog):
    caplog.set_level(logging.DEBUG)
    with serving(lambda server, connection, head: connection.close()) as server:
        crm = CRMClient(replace(OAUTH, base_url=server.url, max_retries=1), World())
        with pytest.raises(Unavailable) as caught:
            crm.get(PATH, "CRM1")
        crm.session.close()

    written = caplog.text + "".join(traceback.format_exception(caught.value))
    assert "s3cret" not in written


@pytest.mark.parametrize(
    "about",
    [
        {"base_url": "ftp://crm.example"},
        {"base_url": "http://user:pa55@crm.example"},
        {"authentication_type": "magic"},
        {"api_key": "a\nb"},
        {"api_key": " a"},
        {"api_key": "é"},
        {"timeout": 0},
        {"max_retries": 0},
    ],
)
def test_a_configuration_that_cannot_work_is_refused_without_showing_it(about):
    with pytest.raises(ValueError, match="CRM_") as caught:
        CRMConfig(**{"base_url": URL, **about})

    assert "pa55" not in str(caught.value)
