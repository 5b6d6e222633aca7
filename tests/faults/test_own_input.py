"""What strangers send over a real socket: refused in the contract's words, or stored and in the CRM byte for byte."""

import http.client
import json
import unicodedata

import pytest
import requests

from tests.support import faults_own_stack as hurt
from tests.support.faults_own_checks import FIELDS, in_crm, is_problem, rows, well
from tests.support.strangers import BODIES, FINE, JSON, WRONG

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
NO_UUID = ["1", "x", "CRM1001", "%00", "..%2f..%2fetc%2fpasswd", "%2e%2e", "'%20OR%201=1--", "é".encode().hex(), "%ff%fe",
           "%f0%9f%98%80", "%0d%0aX-Admin:%201", "{}", "*", "x" * 3000, "0" * 36, "{00000000-0000-7000-8000-000000000000}",
           "urn:uuid:00000000-0000-7000-8000-000000000000", "00000000000070008000000000000000", "%20", "null", "batch%00",
           "00000000-0000-7000-8000-000000000000"]  # fmt: skip
LONG = "x" * 10_000


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.long)])
def service(request, tmp_path_factory):
    with hurt.shared(request, tmp_path_factory) as stack:
        stack.ann = stack.create("input.ann@example.com").json()
        hurt.soon(lambda: rows(stack, "SELECT id FROM inbox"), "what the CRM says of it")
        yield stack


@pytest.fixture
def unharmed(service):
    """Nothing is stored but what was there, and all of the list holds."""
    before = contents(service)
    yield
    assert contents(service) == before
    well(service, [service.ann])


def contents(stack):
    tables = ("users", "journal", "outbox", "inbox", "answers")
    return {name: sorted(map(str, rows(stack, f"SELECT * FROM {name}"))) for name in tables}


def targets(stack):
    one = f"{stack.api}/users/{stack.ann['id']}"
    return [("POST", f"{stack.api}/users"), ("PUT", one), ("PATCH", one), ("POST", f"{stack.api}/users/batch")]


def test_no_body_of_a_stranger_is_stored_or_breaks_anything(service, unharmed):
    for method, url in targets(service):
        for name, raw in BODIES.items():
            answer = requests.request(method, url, data=raw, headers={"Content-Type": JSON}, timeout=20)
            is_problem(answer, 400), (method, name)
    for name, raw in BODIES.items():
        answer = requests.post(f"{service.api}/webhook", data=raw, headers={"Content-Type": JSON}, timeout=20)
        is_problem(answer, 401), name


def test_a_body_that_ends_early_or_never_begins_harms_nobody(service, unharmed):
    for head in ("Content-Length: 400", "Content-Length: 99999999999", "Content-Length: -1", "Content-Length: x",
                 "Transfer-Encoding: chunked\r\nContent-Length: 5", "Transfer-Encoding: sideways"):  # fmt: skip
        with hurt.connected(service) as line:
            line.sendall(f"POST /users HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\n{head}\r\n\r\n".encode())
            line.sendall(b'{"name": "Ann Example", "email": "half@')
        # Closed with the rest unsent: the server finds out by itself.
    assert service.user(service.ann["id"])["version"] == service.ann["version"]


BROKEN_CHUNKS = {
    "no size": b"zz\r\n{}\r\n0\r\n\r\n",
    "an empty size": b"\r\n{}\r\n0\r\n\r\n",
    "a negative size": b"-2\r\n{}\r\n0\r\n\r\n",
    "a chunk longer than said": b"2\r\n{}{}\r\n0\r\n\r\n",
    "a chunk without an end": b"2\r\n{}0\r\n\r\n",
    "a trailer that is none": b"2\r\n{}\r\n0\r\nno trailer\r\n\r\n",
}
WHOLE_CHUNKS = {
    "plain": b"2\r\n{}\r\n0\r\n\r\n",
    "extensions": b"2;a=b\r\n{}\r\n0;c=d\r\n\r\n",
    "trailers": b"2\r\n{}\r\n0\r\nX-Checksum: 1\r\nX-More: 2\r\n\r\n",
}


def answers_to_chunks(service, chunks, then=b""):
    head = f"POST /users HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\nTransfer-Encoding: chunked\r\n\r\n"
    with hurt.connected(service) as line, line.makefile("rb") as answers:
        line.sendall(head.encode() + chunks + then)
        for _ in range(1 + bool(then)):
            status = int(answers.readline().split()[1])
            headers = http.client.parse_headers(answers)
            yield status, json.loads(answers.read(int(headers["Content-Length"])))


@pytest.mark.parametrize("chunks", BROKEN_CHUNKS.values(), ids=BROKEN_CHUNKS)
def test_chunks_that_are_none_are_refused_at_once(service, unharmed, chunks):
    [(status, problem)] = answers_to_chunks(service, chunks)

    assert (status, problem["status"]) == (400, 400)


@pytest.mark.parametrize("chunks", WHOLE_CHUNKS.values(), ids=WHOLE_CHUNKS)
def test_chunks_are_read_to_their_end_and_what_follows_is_answered_too(service, unharmed, chunks):
    (status, problem), (next_status, health) = answers_to_chunks(
        service, chunks, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    )

    assert (status, list(problem["errors"])) == (400, ["name", "email"])
    assert (next_status, health["status"]) == (200, "ok")


def test_a_header_that_would_move_the_service_to_another_path_is_nothing(service, unharmed):
    answer = requests.get(f"{service.api}/users", headers={"SCRIPT_NAME": "/foo", "PATH_INFO": "/bar"}, timeout=20)

    assert (answer.status_code, len(answer.json()["data"])) == (200, 1)


def test_ids_that_are_none_are_nothing(service, unharmed):
    for odd in NO_UUID:
        for method, path, body in calls_of(odd):
            status, headers, raw = raw_call(service, method, path, body)
            assert status in {400, 404, 405}, (method, path[:60], status)
            assert headers["Content-Type"].startswith("application/problem+json"), (method, path[:60], raw)
            assert json.loads(raw)["request_id"] == headers["X-Request-Id"]


def test_an_id_of_ten_kilobytes_is_refused(service, unharmed):
    for method, path, body in calls_of(LONG):
        status, headers, raw = raw_call(service, method, path, body)
        assert (status, headers["Content-Type"]) == (414, "application/problem+json"), (method, raw)
        problem = json.loads(raw)
        assert (problem["status"], problem["code"]) == (414, "request_uri_too_long")
        assert problem["request_id"] == headers["X-Request-Id"] != ""


def calls_of(odd):
    body = json.dumps({"name": "Bob Example"}).encode()
    yield from (("GET", f"/users/{odd}", None), ("PATCH", f"/users/{odd}", body), ("DELETE", f"/users/{odd}", None))
    yield from (("GET", f"/users/{odd}/changes", None), ("POST", f"/users/{odd}/sync", b""))
    yield from (("GET", f"/sync/runs/{odd}", None), ("POST", f"/sync/conflicts/{odd}/resolve", b'{"use": "crm"}'))


def raw_call(stack, method, path, body):
    """Send a path as it is: what requests would tidy up is the point."""
    line = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=20)
    try:
        line.request(method, path, body, {"Content-Type": JSON})
        answer = line.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        line.close()


def test_paths_that_climb_out_lead_nowhere(service, unharmed):
    for path in ("/users/../../etc/passwd", "/../users", "/users/./", "/users//", "/docs/../../config.py",
                 "/static/..%2f..%2fconfig.py", "/users/%2e%2e/%2e%2e/config.py", "/.env", "/users;x=1"):  # fmt: skip
        status, headers, raw = raw_call(service, "GET", path, None)
        assert status in {308, 400, 404}, (path, status)
        assert b"SECRET" not in raw
        if status != 308:
            assert headers["Content-Type"].startswith("application/problem+json"), path


def test_values_beyond_the_limits_are_refused_by_name(service, unharmed):
    for name, value in WRONG:
        fields = {"name": "Ann Example", "email": "beyond@example.com", "phone": "123-456-7890", name: value}
        for method, url in targets(service)[:2]:
            assert set(is_problem(requests.request(method, url, json=fields, timeout=20), 400)["errors"]) == {name}
        refused = requests.patch(targets(service)[1][1], json={name: value}, timeout=20)
        assert set(is_problem(refused, 400)["errors"]) == {name}


def test_valid_values_reach_the_crm_byte_for_byte_and_come_back(service):
    sent = {}
    for number, special in enumerate(FINE):
        fields = {"name": "Ann Example", "email": f"fine{number}@example.com", "phone": None} | special
        raw = json.dumps(fields, ensure_ascii=bool(number % 2)).encode()
        answer = requests.post(f"{service.api}/users", data=raw, headers={"Content-Type": JSON}, timeout=20)
        assert answer.status_code == 201, (special, answer.text)
        sent[answer.json()["id"]] = fields

    well(service)
    there = {one["external_id"]: one for one in in_crm(service)}
    for identity, fields in sent.items():
        here = service.user(identity)
        for copy in (here, there[identity]):
            assert {name: copy[name] for name in FIELDS} == fields


def test_odd_names_that_the_crms_staff_type_arrive_byte_for_byte(service):
    user = service.create("typed@example.com").json()
    for name in [one["name"] for one in FINE if "name" in one]:
        service.edit_there(user["crm_id"], name=name)
        hurt.soon(lambda name=name: service.user(user["id"])["name"] == name, "the CRM's form")
    well(service)


def test_both_unicode_forms_are_kept_apart_in_names_and_are_one_in_emails(service):
    composed, apart = unicodedata.normalize("NFC", "chloë"), unicodedata.normalize("NFD", "chloë")
    assert composed != apart
    first = service.create(f"{composed}@example.com")
    assert first.status_code == 201
    assert is_problem(service.create(f"{apart}@example.com"), 409)["code"] == "taken"
    for name in (composed, apart):
        answer = requests.patch(f"{service.api}/users/{first.json()['id']}", json={"name": name}, timeout=20)
        assert answer.json()["name"] == name
        there = next(one for one in in_crm(service) if one["crm_id"] == first.json()["crm_id"])
        assert there["name"] == name


def test_what_is_injected_into_a_header_stays_in_it(service, unharmed):
    url = f"{service.api}/users/{service.ann['id']}"
    for name, value in (("X-Request-Id", "x" * 5000), ("X-Request-Id", "é"), ("If-Match", '"' + "9" * 5000 + '"'),
                        ("If-Match", "W/,,*"), ("Prefer", ";;=,"), ("Idempotency-Key", "é" * 300)):  # fmt: skip
        answer = requests.request("GET", url, headers={name: value.encode()}, timeout=20)
        assert answer.status_code == 200, (name, answer.status_code)
        assert "X-Admin" not in answer.headers
        assert len(answer.headers["X-Request-Id"]) <= 128
    with hurt.connected(service) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\rX-Admin: 1\r\nConnection: close\r\n\r\n")
        answer = hurt.all_of(line)
    assert b"X-Admin" not in answer.partition(b"\r\n\r\n")[0].replace(b"a\rX-Admin", b"")
    assert b" 5" not in answer.partition(b"\r\n")[0]
