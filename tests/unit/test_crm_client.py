"""The client as a whole, against the mock CRM in process, canned answers, and real sockets where lines are cut."""

import json
import socket
import time
from dataclasses import replace

import pytest
import requests
import responses
import structlog

from app.core.world import World
from app.crm import (
    Conflict,
    CRMClient,
    CRMConfig,
    CRMError,
    NotThere,
    OutcomeUnknown,
    Rejected,
    Unavailable,
)
from app.crm.errors import CircuitOpen
from tests.unit.test_transport import serving

URL = "http://crm.example"
PATH = "/crm/users"
CONFIG = CRMConfig(URL, authentication_type="api_key", api_key="demo-api-key")
ANN = {"name": "Ann Example", "email": "ann@example.com", "phone": "123-456-7890"}
CREATED = {"crm_id": "CRM1", "version": 1, "external_id": "ours", **ANN}


@pytest.fixture
def client(crm, world):
    """A client of the mock CRM."""
    made = CRMClient(CONFIG, world)
    made.session.mount(URL, crm.line)
    return made


@pytest.fixture
def canned(world):
    """A client of canned answers."""
    return CRMClient(CONFIG, world)


@pytest.fixture
def once(world):
    """A client of canned answers that tries once."""
    return CRMClient(replace(CONFIG, max_retries=1), world)


@pytest.fixture
def line():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


def create(client, **more):
    return client.create(PATH, ANN, external_id="ours", key="key-1", **more)


def methods(line):
    return [call.request.method for call in line.calls]


# ── exactly one record ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_record_is_created_read_changed_found_listed_and_deleted(client, crm):
    made = create(client)
    assert made.fields == client.get(PATH, made.crm_id).fields == ANN
    changed = client.update(PATH, made.crm_id, {"name": "Ann"}, version=made.stamp.version, key="key-2")
    assert changed.fields["name"] == "Ann"
    assert client.find(PATH, "ours").crm_id == made.crm_id
    assert [item.crm_id for item in client.list_changed(PATH, None, 10).items] == [made.crm_id]
    client.delete(PATH, made.crm_id, version=changed.stamp.version)
    client.delete(PATH, made.crm_id, version=None)
    assert crm.all() == []
    with pytest.raises(NotThere):
        client.get(PATH, made.crm_id)


@pytest.mark.parametrize(
    "mode", ["cut_after", "truncated", "no_crm_id", "null_crm_id", "bad_json", "empty", "html", "error_in_200"]
)
@pytest.mark.parametrize("idempotent", [True, False], ids=["idempotent", "not idempotent"])
def test_a_create_whose_answer_is_lost_makes_one_record(client, crm, mode, idempotent):
    if not idempotent:
        crm.fault("no_idempotency")
    more = {"write": True} if mode in {"html", "error_in_200"} else {}
    crm.fault(mode, method="POST", **more)

    made = create(client)

    assert [each["crm_id"] for each in crm.all()] == [made.crm_id]
    assert [call.method for call in crm.calls()] == ["POST", "GET"]


def test_a_create_that_was_cut_off_before_is_looked_up_and_sent_again_the_same(client, crm):
    crm.fault("cut_before", method="POST")

    create(client)

    first, look, again = crm.calls()
    assert [first.method, look.method, again.method] == ["POST", "GET", "POST"]
    assert "external_id=ours" in look.url
    assert (first.body, first.headers["Idempotency-Key"]) == (again.body, again.headers["Idempotency-Key"])
    assert json.loads(first.body) == {**ANN, "external_id": "ours"}
    assert len(crm.all()) == 1


def test_after_an_unknown_outcome_of_an_earlier_push_the_record_is_looked_up_first(client, crm):
    made = crm.create(**ANN, external_id="ours")

    assert create(client, look_first=True).crm_id == made["crm_id"]
    assert [call.method for call in crm.calls()] == ["GET"]


def test_a_create_that_was_plainly_not_done_is_sent_again_without_a_look(client, crm):
    crm.fault("status", status=503, method="POST")

    create(client)

    assert [call.method for call in crm.calls()] == ["POST", "POST"]


def test_a_crm_that_cannot_look_up_gets_the_same_key_again(client, crm):
    crm.fault("cut_after", method="POST")
    crm.fault("status", status=405, method="GET")

    create(client)

    assert len(crm.all()) == 1


def test_a_look_up_believes_only_what_names_our_record(canned, line):
    items = [{"crm_id": "A"}, {"crm_id": "B", "external_id": "other"}, {**CREATED, "deleted": True}]
    line.get(f"{URL}{PATH}", json={"items": items})

    assert canned.find(PATH, "ours") is None


def test_an_outcome_stays_unknown_when_the_next_attempt_is_refused(canned, line):
    line.post(f"{URL}{PATH}", status=500)
    line.get(f"{URL}{PATH}", json={"items": []})
    line.post(f"{URL}{PATH}", status=503)
    with pytest.raises(OutcomeUnknown) as caught:
        create(canned)

    assert caught.value.status == 503
    assert methods(line) == ["POST", "GET", "POST", "GET", "POST"]


def test_an_outcome_stays_unknown_when_the_look_up_is_refused(canned, line):
    line.post(f"{URL}{PATH}", status=500)
    line.get(f"{URL}{PATH}", status=503)
    with pytest.raises(OutcomeUnknown):
        create(canned)

    assert methods(line) == ["POST", "GET", "GET"]


def test_an_open_circuit_ends_a_push_whose_outcome_is_unknown_without_waiting(canned, line, clock):
    for _ in range(5):
        canned.breaker.failed()
    with pytest.raises(OutcomeUnknown):
        create(canned, look_first=True)

    assert (len(line.calls), clock.slept) == (0, [])


def test_a_line_cut_after_the_write_makes_one_record_on_real_sockets():
    stored = []

    def answer(server, connection, head):
        if head.startswith(b"POST"):
            stored.append(json.loads(head.partition(b"\r\n\r\n")[2]))
            connection.shutdown(socket.SHUT_RDWR)
            return
        body = json.dumps({"items": [{"crm_id": "CRM1", **each} for each in stored]}).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    with serving(answer) as server:
        client = CRMClient(replace(CONFIG, base_url=server.url), World(sleep=lambda _: None))
        assert create(client).crm_id == "CRM1"
        client.session.close()

    assert len(stored) == 1


# ── what an answer means ─────────────────────────────────────────────────────────────────────────────────────────

SENSELESS = {
    "html": b"<html>",
    "half": b'{"crm_id": "CRM',
    "empty": b"",
    "list": b"[]",
    "null": b"null",
    "no id": b"{}",
    "null id": b'{"crm_id": null}',
    "list id": b'{"crm_id": []}',
    "surrogate id": b'{"crm_id": "\\ud800"}',
    "error": b'{"error": "x"}',
    "error and id": b'{"error": "x", "crm_id": "CRM1"}',
    "deep": b"[" * 100_000,
    "deep inside": b'{"crm_id": "CRM1", "a":' + b'{"a":' * 100_000,
    "bytes": b"\xff\xfe\x80",
}


@pytest.mark.parametrize("body", SENSELESS.values(), ids=SENSELESS)
@pytest.mark.parametrize("status", [200, 201])
def test_a_yes_without_sense_is_an_unknown_outcome(once, line, body, status):
    for method in (line.post, line.patch, line.get):
        method(f"{URL}{PATH}" + ("" if method == line.post else "/CRM1"), body=body, status=status)

    with pytest.raises(OutcomeUnknown):
        create(once)
    with pytest.raises(OutcomeUnknown):
        once.update(PATH, "CRM1", {"name": "x"}, version=1, key="k")
    with pytest.raises(OutcomeUnknown):
        once.get(PATH, "CRM1")


def test_an_answer_about_another_record_is_an_unknown_outcome(once, line):
    line.patch(f"{URL}{PATH}/CRM1", json={**CREATED, "crm_id": "CRM2"})
    with pytest.raises(OutcomeUnknown):
        once.update(PATH, "CRM1", {}, version=None, key="k")


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"<html>", b"{}", b'{"items": {}}', b"[" * 100_000], ids=lambda body: repr(body[:12])
)
def test_a_page_without_sense_is_unavailable(once, line, body):
    line.get(f"{URL}{PATH}", body=body)
    with pytest.raises(Unavailable):
        once.list_changed(PATH, None, 10)


def test_values_without_sense_do_not_hide_the_record(once, line):
    body = b'{"crm_id": "CRM1", "name": "\\ud800", "score": NaN, "big": 1e999, "version": NaN, "updated_at": []}'
    line.get(f"{URL}{PATH}/CRM1", body=body)

    assert once.get(PATH, "CRM1").stamp.version is None


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (302, OutcomeUnknown),
        (400, Rejected),
        (401, Unavailable),
        (403, Rejected),
        (404, NotThere),
        (405, Rejected),
        (408, Unavailable),
        (409, Conflict),
        (410, NotThere),
        (412, Conflict),
        (413, Rejected),
        (422, Rejected),
        (425, Unavailable),
        (429, Unavailable),
        (500, OutcomeUnknown),
        (501, Rejected),
        (502, OutcomeUnknown),
        (503, Unavailable),
        (504, OutcomeUnknown),
        (599, OutcomeUnknown),
    ],
)
@pytest.mark.parametrize(
    "body",
    [b'{"error": "x", "message": "Why."}', b"<html>", b"[" * 100_000, b'{"errors": NaN}'],
    ids=lambda body: repr(body[:12]),
)
def test_each_refusal_has_its_meaning(once, line, status, expected, body):
    line.patch(f"{URL}{PATH}/CRM1", body=body, status=status)
    with pytest.raises(CRMError) as caught:
        once.update(PATH, "CRM1", {}, version=1, key="k")

    if expected is NotThere and not body.startswith(b'{"error'):
        expected = Rejected  # some proxy has no such page; that says nothing about the record
    assert (type(caught.value), caught.value.status) == (expected, status)


def test_a_refusal_carries_the_words_of_the_crm_as_they_can_be_stored(once, line):
    body = b'{"error": "in\\u0000valid", "message": "\\ud800 No\\nname."}'
    line.patch(f"{URL}{PATH}/CRM1", body=body, status=422)
    with pytest.raises(Rejected) as caught:
        once.update(PATH, "CRM1", {}, version=1, key="k")

    assert (caught.value.code, caught.value.message) == ("in valid", "in valid:   No name.")


@pytest.mark.parametrize("status", [400, 404, 405, 409, 412, 422])
def test_what_is_refused_is_not_sent_again(canned, line, status):
    line.patch(f"{URL}{PATH}/CRM1", status=status)
    with pytest.raises(CRMError):
        canned.update(PATH, "CRM1", {}, version=1, key="k")

    assert len(line.calls) == 1


@pytest.mark.parametrize(("status", "body"), [(204, b""), (200, b""), (200, b"{}"), (404, b""), (410, b"")])
def test_a_deletion_is_done_when_the_crm_says_so_or_has_no_such_record(once, line, status, body):
    line.delete(f"{URL}{PATH}/CRM1", status=status, body=body)
    once.delete(PATH, "CRM1", version=3)

    assert line.calls[0].request.headers["If-Match"] == '"3"'


@pytest.mark.parametrize("body", [b"<html>", b'{"error": "x"}', b'{"crm_id": "CRM2"}', b"[]"])
def test_a_deletion_without_a_plain_yes_is_an_unknown_outcome(once, line, body):
    line.delete(f"{URL}{PATH}/CRM1", body=body)
    with pytest.raises(OutcomeUnknown):
        once.delete(PATH, "CRM1", version=None)


def test_a_crm_that_knows_no_deletion_has_not_deleted(once, line):
    line.delete(f"{URL}{PATH}/CRM1", status=405)
    with pytest.raises(Rejected) as caught:
        once.delete(PATH, "CRM1", version=None)

    assert not isinstance(caught.value, NotThere)


def test_a_page_of_html_is_no_subscription(once, line):
    line.post(f"{URL}/crm/webhooks", body=b"<html>")
    with pytest.raises(Unavailable):
        once.subscribe("http://127.0.0.1:8000/webhook", "secret")


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


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────


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

    assert sum(clock.slept) == pytest.approx(8, abs=0.1)


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


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_crm_without_a_change_feed_is_told_from_one_that_refuses(once, line, status):
    line.get(f"{URL}{PATH}", status=status)
    with pytest.raises(NotThere):
        once.list_changed(PATH, None, 10)


def test_a_listing_that_is_refused_is_rejected(once, line):
    line.get(f"{URL}{PATH}", status=400)
    with pytest.raises(Rejected) as caught:
        once.list_changed(PATH, None, 10)

    assert not isinstance(caught.value, NotThere)
