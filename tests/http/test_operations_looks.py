"""Status, schedule, plan and verify over HTTP."""

import pytest

from tests.support.operations import disagree, problem
from tests.support.runs import new_there, new_users
from tests.support.users import patch_later, read


def test_the_status_says_what_was_done_and_what_is_owed(client, crm, user):
    run = client.post("/sync").json
    new_users(client, 1)

    found = client.get("/sync/status").json
    users = found["resources"]["users"]

    assert (found["healthy"], found["crm"]["reachable"], found["crm"]["circuit"]) == (True, True, "closed")
    assert (users["last_run"]["run_id"], users["last_success"]) == (run["id"], run["finished_at"])
    assert (users["owed"], users["success_rate"]) == (1, 1.0)


def test_the_status_tells_when_the_crm_does_not_answer(client, crm):
    crm.fault("status", status=500, count=None)

    assert client.get("/sync/status").json["crm"]["reachable"] is False


def test_the_schedule_is_paused_and_resumed(client):
    paused = client.post("/sync/pause").json

    assert (paused["paused"], paused["by"]) == (True, "api")
    assert client.get("/sync/status").json["schedule"]["since"] == paused["since"]
    assert client.get("/sync/status").json["resources"]["users"]["next_pull"] is None
    assert client.post("/api/v1/sync/resume").json == {"paused": False, "since": None, "by": None}
    assert client.post("/sync/resume").status_code == 200


def test_a_plan_lists_the_writes_of_both_sides(client, crm, user):
    patch_later(client, user, phone="222-222-2222")
    new_there(crm, 1)

    plan = client.get("/sync/plan").json

    assert (plan["would_change"], plan["truncated"], plan["direction"]) == (True, False, "both")
    assert plan["summary"]["here"] == {"create": 1, "update": 0, "delete": 0}
    assert plan["summary"]["crm"] == {"create": 0, "update": 1, "delete": 0}
    [write] = [one for one in plan["writes"] if one["side"] == "crm"]
    assert (write["record_id"], write["fields"]) == (
        user["id"],
        {"phone": {"from": user["phone"], "to": "222-222-2222"}},
    )
    assert crm.get(user["crm_id"])["phone"] == user["phone"]


def test_a_plan_is_cut_to_its_limit_and_to_what_is_asked(client, crm):
    new_there(crm, 3)

    plan = client.get("/sync/plan?limit=2&direction=bidirectional&resource=users&resource=users").json

    assert (len(plan["writes"]), plan["truncated"], plan["resources"]) == (2, True, ["users"])
    assert client.get("/sync/plan?direction=push").json["would_change"] is False


@pytest.mark.parametrize(
    ("query", "named"),
    [("direction=up", "direction"), ("resource=planets", "resource"), ("resource=users&resource=x", "resource"),
     ("limit=0", "limit"), ("limit=1001", "limit"), ("limit=x", "limit"), ("colour=red", "colour"),
     ("direction=push&direction=pull", "direction")],
)  # fmt: skip
def test_a_plan_of_what_makes_no_sense_is_refused(client, query, named):
    problem(client.get(f"/sync/plan?{query}"), 400, "invalid", named)


def test_a_crm_that_cannot_be_read_is_a_503_that_says_when(client, crm):
    crm.fault("status", status=503, count=None, retry_after="120")

    for answer in (client.get("/sync/plan"), client.post("/sync/verify")):
        problem(answer, 503, "not_now")
        assert "CRM" in answer.json["detail"]
        assert 100 < int(answer.headers["Retry-After"]) <= 120


def test_both_sides_in_step_are_counted(client, user):
    found = client.post("/sync/verify").json

    assert (found["in_step"], found["differences"], found["unexplained"], found["repaired"]) == (1, [], 0, None)
    assert found["sentence"].startswith("1 records in step as of ")


def test_a_difference_is_listed_with_its_reason(client, crm, user):
    disagree(client, crm, user)

    found = client.post("/sync/verify", json={"resources": ["users"]}).json

    [difference] = found["differences"]
    assert (difference["reason"], difference["record_id"]) == ("conflict", user["id"])
    assert difference["fields"] == {"phone": {"here": "222-222-2222", "crm": "987-654-3210"}}


def test_drift_is_found_and_healed(client, crm, user, webhook):
    webhook(user["crm_id"], {"phone": "555-555-5555"})  # which the CRM never said

    assert client.post("/sync/verify").json["unexplained"] == 1
    healed = client.post("/sync/verify", json={"repair": True}).json

    assert (healed["unexplained"], healed["repaired"]["status"]) == (0, "succeeded")
    assert read(client, user)["phone"] == crm.get(user["crm_id"])["phone"]


@pytest.mark.parametrize(
    ("body", "named"),
    [({"repair": "yes"}, ["repair"]), ({"repair": None}, ["repair"]), ({"resources": []}, ["resources"]),
     ({"resources": ["x"], "repair": 1, "colour": 2}, ["resources", "repair", "colour"])],
)  # fmt: skip
def test_a_comparison_that_makes_no_sense_is_refused(client, body, named):
    problem(client.post("/sync/verify", json=body), 400, "invalid", *named)
