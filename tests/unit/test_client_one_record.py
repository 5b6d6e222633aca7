"""The client makes exactly one record, however answers are lost."""

import json
import re
import socket
from contextlib import nullcontext
from dataclasses import replace

import pytest

from app.core.world import World
from app.crm import CRMClient, NotThere, OutcomeUnknown, Rejected
from app.crm.client import REFUSALS
from tests.support.crm_client import CONFIG, CREATED, create
from tests.support.server import serving
from tests.support.settings import ANN
from tests.support.settings import CRM_PATH as PATH
from tests.support.settings import CRM_URL as URL


def methods(line):
    return [call.request.method for call in line.calls]


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


def test_a_look_up_that_is_refused_twice_makes_no_second_record(client, crm):
    crm.fault("cut_after", method="POST")
    crm.fault("status", status=400, method="GET")
    crm.fault("status", status=422, method="GET")

    assert create(client).found

    assert [call.method for call in crm.calls()] == ["POST", "GET", "GET", "GET"]
    assert len(crm.all()) == 1


def test_a_crm_that_always_refuses_a_look_up_has_none(canned, line, clock):
    line.get(f"{URL}{PATH}", status=400)
    line.post(f"{URL}{PATH}", json=CREATED)

    create(canned, look_first=True)
    create(canned, look_first=True)

    assert methods(line) == ["GET"] * REFUSALS + ["POST", "GET", "POST"]
    assert len(clock.slept) == REFUSALS - 1


def test_a_crm_that_has_learned_to_look_up_may_trip_again(canned, line):
    refused = line.get(f"{URL}{PATH}", status=400)
    canned.find(PATH, "ours")
    line.replace(line.GET, f"{URL}{PATH}", json={"items": []})
    canned.find(PATH, "ours")
    line.replace(line.GET, f"{URL}{PATH}", status=400)
    canned.find(PATH, "ours")

    assert refused.call_count == REFUSALS
    assert methods(line) == ["GET"] * (REFUSALS + 1 + REFUSALS)


def test_an_outcome_stays_unknown_when_there_is_no_time_to_look_it_up_again(canned, line, clock):
    line.get(f"{URL}{PATH}", status=400)
    with pytest.raises(OutcomeUnknown):
        create(canned, look_first=True, deadline=clock.monotonic() + 0.01)

    assert "POST" not in methods(line)


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


@pytest.mark.parametrize("look_first", [False, True], ids=["new", "unsettled before"])
@pytest.mark.parametrize("refused", [404, 422])
def test_a_refusal_says_nothing_of_a_create_that_may_have_been_done(canned, line, refused, look_first):
    line.get(f"{URL}{PATH}", status=501)
    line.post(f"{URL}{PATH}", status=500)
    line.post(f"{URL}{PATH}", status=refused)
    with pytest.raises(OutcomeUnknown) as caught:
        create(canned, look_first=look_first)

    assert caught.value.status == refused


def test_what_the_caller_did_not_know_before_it_settles_itself(canned, line):
    line.get(f"{URL}{PATH}", status=501)
    line.post(f"{URL}{PATH}", status=422)
    with pytest.raises(Rejected):
        create(canned, look_first=True)


@pytest.mark.parametrize(
    ("change", "when_gone"),
    [
        (lambda client: client.update(PATH, "CRM1", {"name": "Ann"}, version=1, key="k"), pytest.raises(NotThere)),
        (lambda client: client.delete(PATH, "CRM1", version=1), nullcontext()),
        (lambda client: client.act(PATH, "CRM1", "archive", {}, key="k"), pytest.raises(NotThere)),
    ],
    ids=["update", "delete", "act"],
)
def test_of_a_change_that_may_have_been_done_only_that_it_is_gone_says_something(canned, line, change, when_gone):
    for status in (500, 422, 422, 500, 404):
        for method in (line.PATCH, line.DELETE):
            line.add(method, re.compile(f"{URL}{PATH}/CRM1.*"), status=status)
    with pytest.raises(OutcomeUnknown) as caught:
        change(canned)
    assert caught.value.status == 422

    with when_gone:
        change(canned)


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
