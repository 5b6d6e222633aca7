"""What an error tells the program, and the health check, which tells it without one."""

import json

import pytest
import requests
import structlog

from app.crm import CRMClient, NotThere, OutcomeUnknown, Project, Unavailable
from app.crm.errors import CRMError
from tests.support.settings import CRM_URL as URL
from tests.support.sign_in import OAUTH, TOKEN

API = f"{URL}/api/v1"
SAID = {"error": "invalid", "message": "A name is needed."}


def caught(once, **about):
    with pytest.raises(CRMError) as found:
        once.projects.create(Project(name="x"), **about)
    return found.value


@pytest.mark.parametrize(
    ("status", "headers", "advice"),
    [
        (400, {}, "Correct what the message names: the same call will be refused again."),
        (401, {}, "Check the credentials."),
        (403, {}, "Ask the CRM's people for the permission to do this."),
        (404, {}, "Check the id, base_url and api_version: there is nothing at this address."),
        (409, {}, "Fetch it again and repeat the change."),
        (412, {}, "Fetch it again and repeat the change."),
        (413, {}, "Send less at once."),
        (429, {"Retry-After": "30"}, "Wait 30 seconds."),
        (429, {}, "Wait a while, and lower rate_limit_per_minute."),
        (500, {}, "Find out whether it was done, before you do it again."),
        (502, {"Retry-After": "30"}, "Find out whether it was done, before you do it again."),
        (503, {}, "Check the address and the network, and ask again later."),
    ],
)
def test_an_error_says_what_to_do(once, line, status, headers, advice):
    line.post(f"{API}/projects", json=SAID, status=status, headers=headers)

    error = caught(once)

    assert (error.status, error.advice) == (status, advice)
    assert status == 401 or error.message == "invalid: A name is needed."


def test_a_record_that_was_merged_says_into_which(once, line):
    line.get(f"{API}/projects/CRM1", json=SAID | {"merged_into": "CRM2"}, status=410)
    with pytest.raises(NotThere) as found:
        once.projects.get_by_id("CRM1")

    assert found.value.advice == "Use CRM2: it was merged into that."


def test_credentials_that_the_token_endpoint_refuses_are_to_be_checked(line, world):
    line.post(TOKEN, json={"error": "invalid_client"}, status=400)

    assert caught(CRMClient(OAUTH, world)).advice == "Check the credentials."


@pytest.mark.parametrize(
    "answer",
    [
        {"json": SAID, "status": 400},
        {"body": "<html>", "status": 502},
        {"json": {"crm_id": None}, "status": 201},
        {"json": SAID, "status": 401},
    ],
)
def test_an_error_has_the_id_that_the_crm_gave_the_call(once, line, answer):
    line.post(f"{API}/projects", headers={"X-Request-Id": "theirs"}, **answer)

    assert caught(once).request_id == "theirs"


@pytest.mark.parametrize("answer", [{"json": SAID, "status": 400}, {"body": requests.ReadTimeout()}])
def test_an_error_has_our_id_of_the_call_when_the_crm_gave_none(once, line, answer):
    line.post(f"{API}/projects", **answer)
    with structlog.contextvars.bound_contextvars(request_id="ours"):
        assert caught(once).request_id == "ours"


def test_the_id_survives_an_outcome_that_stays_unknown(canned, line):
    line.post(f"{API}/projects", status=500, headers={"X-Request-Id": "first"})
    line.post(f"{API}/projects", status=503, headers={"X-Request-Id": "last"})

    error = caught(canned)

    assert (type(error), error.request_id) == (OutcomeUnknown, "last")


def test_an_id_that_breaks_out_of_a_log_line_is_none(once, line):
    line.post(f"{API}/projects", json=SAID, status=400, headers={"X-Request-Id": "a" * 999})

    assert caught(once).request_id is None


def test_an_error_of_before_is_still_made_the_same_way():
    error = Unavailable("Later.", status=503, retry_after=2)

    assert (str(error), error.request_id, error.advice) == ("Later.", None, "Wait 2 seconds.")


# ── the health check ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_crm_that_answers_and_lets_us_in_is_well(client):
    health = client.health_check()

    assert (health.ok, health.reachable, health.signed_in, health.error) == (True, True, True, None)


def test_the_health_check_takes_the_time_of_the_call(canned, line, clock):
    def answer(_request):
        clock.pass_(seconds=0.25)
        return 200, {}, json.dumps({"items": []})

    line.add_callback("GET", f"{API}/users", answer)

    assert canned.health_check().milliseconds == 250.0


@pytest.mark.parametrize(
    ("answer", "reachable", "signed_in"),
    [
        ({"status": 401}, True, False),
        ({"status": 403}, True, None),
        ({"json": SAID, "status": 404}, True, None),
        ({"status": 429}, True, None),
        ({"status": 500}, True, None),
        ({"body": requests.ConnectTimeout()}, False, None),
        ({"body": requests.ReadTimeout()}, False, None),
    ],
)
def test_what_is_wrong_with_the_crm_is_said_not_raised(canned, line, answer, reachable, signed_in):
    line.get(f"{API}/users", **answer)

    health = canned.health_check()

    assert (health.ok, health.reachable, health.signed_in) == (False, reachable, signed_in)
    assert health.error
    assert health.advice
    assert len(line.calls) == 1


def test_a_crm_that_gives_no_token_does_not_let_us_in(line, world):
    line.post(TOKEN, json={"error": "invalid_client"}, status=401)

    health = CRMClient(OAUTH, world).health_check()

    assert (health.reachable, health.signed_in) == (True, False)


def test_a_crm_that_is_not_asked_because_it_failed_is_not_called_reachable(canned, line):
    for _ in range(5):
        canned.breaker.failed()

    health = canned.health_check()

    assert (health.reachable, health.signed_in, len(line.calls)) == (False, None, 0)
