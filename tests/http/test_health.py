"""For load balancers and Prometheus: alive, ready, and how it is going."""

from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.exc import OperationalError

from app.core.db import db
from app.services import status


def _metrics(client):
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=0.0.4")
    families = text_string_to_metric_families(answer.get_data(as_text=True))
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def _labels(**labels):
    return frozenset(labels.items())


def test_it_is_alive_whatever_the_database_does(client, monkeypatch):
    monkeypatch.setattr(status, "status", _unreachable)

    assert client.get("/healthz").json == {"status": "ok"}


def test_it_is_ready_when_the_database_is(client, user):
    answer = client.get("/readyz")

    assert (answer.status_code, answer.json["status"]) == (200, "ready")
    assert set(answer.json["checks"].values()) == {"ok"}


def test_it_is_not_ready_while_migrations_are_behind(app, client):
    app.config["SCHEMA_VERSION"] = "0099"

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json["status"]) == (503, "not ready")
    assert answer.json["checks"]["migrations"] == "behind"


def test_it_is_not_ready_while_the_database_is_away(client, monkeypatch):
    monkeypatch.setattr(status, "status", _unreachable)

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json["checks"]["database"]) == (503, "unavailable")


def test_a_crm_that_is_down_is_shown_and_leaves_us_ready(client, crm, another):
    crm.fault("status", status=500, count=1000)
    for _ in range(3):
        client.post("/users", json=another())

    answer = client.get("/readyz")

    assert (answer.status_code, answer.json["checks"]["crm"]) == (200, "circuit open")


def test_an_old_queue_is_shown(client, clock, another):
    client.post("/users", json=another(), headers={"Prefer": "respond-async"})
    clock.pass_(hours=2)

    assert "oldest owed for" in client.get("/readyz").json["checks"]["queue"]


def test_pushes_webhooks_and_the_backlog_are_counted(client, user, webhook, another):
    body = {
        "crm_id": user["crm_id"],
        "updated_fields": {"name": "B"},
        "timestamp": "2030-01-01T00:00:00Z",
        "version": 2,
    }
    outcomes = [client.post("/webhook", json=body).json["outcome"] for _ in range(3)]
    webhook("CRM99999", {"name": "X"})
    client.post("/users", json=another(), headers={"Prefer": "respond-async"})
    found = _metrics(client)

    assert outcomes == ["applied", "duplicate", "duplicate"]
    assert found["crm_sync_pushes_total", _labels(resource="users", outcome="synced")] == 1
    assert found["crm_sync_webhooks_total", _labels(resource="users", outcome="applied")] == 1
    assert found["crm_sync_webhooks_total", _labels(resource="users", outcome="duplicate")] == 2
    assert found["crm_sync_webhooks_total", _labels(resource="users", outcome="parked")] == 1
    assert found["crm_sync_records", _labels(resource="users", status="synced")] == 1
    assert found["crm_sync_records", _labels(resource="users", status="pending")] == 1
    assert found["crm_sync_owed", _labels(resource="users")] == 1
    assert found["crm_sync_parked", _labels(resource="users")] == 1
    assert found["crm_sync_circuit", _labels()] == 0
    assert found["crm_sync_crm_calls_total", _labels(method="POST", outcome="201")] == 1


def test_a_scrape_while_the_database_is_away_is_a_problem_that_passes(client, monkeypatch):
    monkeypatch.setattr(db.engine, "connect", _unreachable)

    answer = client.get("/metrics")

    assert (answer.status_code, answer.mimetype) == (503, "application/problem+json")
    assert answer.headers["Retry-After"]


def _unreachable(*_args, **_more):
    raise OperationalError("SELECT 1", {}, Exception("away"))
