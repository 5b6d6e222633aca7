"""The limit a minute, and the statistics."""

from mock_crm.resources import BY_NAME


def test_calls_over_the_limit_wait_for_the_next_minute(start, clock, auth):
    client = start(RATE_LIMIT=3, CLOCK=clock).test_client()
    answers = [client.get("/crm/users", headers=auth) for _ in range(5)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429, 429]
    assert [each.headers["RateLimit-Remaining"] for each in answers] == ["2", "1", "0", "0", "0"]
    clock.now += 20.5
    refused = client.get("/crm/users", headers=auth)
    assert (refused.headers["Retry-After"], refused.headers["RateLimit-Reset"]) == ("40", "40")
    assert (refused.headers["RateLimit-Limit"], refused.json["error"]) == ("3", "rate_limited")
    clock.now += 40
    assert client.get("/crm/users", headers=auth).status_code == 200


def test_the_controls_and_the_page_are_not_limited(start, auth):
    client = start(RATE_LIMIT=1).test_client()
    client.get("/crm/users", headers=auth)
    for path in ("/crm/_stats", "/crm/_faults", "/healthz", "/records/users"):
        answer = client.get(path)
        assert (answer.status_code, "RateLimit-Limit" in answer.headers) == (200, False)
    assert client.post("/crm/token").status_code == 429


def test_without_a_limit_nothing_is_said_of_it(crm):
    assert "RateLimit-Limit" not in crm.get("/crm/users").headers


def test_calls_are_counted_by_kind(crm, ann):
    crm.post("/crm/token")
    for prefix in ("/crm", "/api/v1"):
        crm.post(f"{prefix}/users", json=ann)
    crm.patch("/crm/users/CRM1001", json={"phone": "1"})
    crm.delete("/crm/users/CRM1002")
    crm.post("/crm/users/batch", json={"items": []})
    crm.get("/crm/nowhere/at/all")
    crm.get("/records/users")
    stats = crm.get("/crm/_stats").json
    assert stats.pop("records") == {
        each: {"live": int(each == "users"), "deleted": int(each == "users")} for each in BY_NAME
    }
    assert stats == {
        "calls": {
            "DELETE users/<id>": 1,
            "PATCH users/<id>": 1,
            "POST users": 2,
            "POST users/batch": 1,
            "other": 1,
            "token": 1,
        },
        "by_status": {"200": 2, "201": 2, "204": 1, "401": 1, "404": 1},
        "total": 7,
        "webhooks": {"sent": 0, "failed": 0, "waiting": 0},
    }


def test_statistics_begin_again_when_asked(crm, fault):
    fault("status", status=500)
    crm.get("/crm/users")
    assert crm.get("/crm/_stats").json["by_status"] == {"500": 1}
    assert crm.delete("/crm/_stats").status_code == 204
    assert crm.get("/crm/_stats").json["total"] == 0


def test_it_says_that_it_is_well(mock_client):
    assert mock_client.get("/healthz").status_code == 200
