"""`flask sync …`: what a person and a script see."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def run(app):
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=["sync", *words])


def test_pull_says_what_it_did(run, crm):
    crm.create(name="Bob", email="bob@example.com")

    answer = run("pull")

    assert answer.exit_code == 0
    assert "1 pulled" in answer.output


def test_push_tells_the_crm_what_is_owed(run, crm, client, another):
    client.post("/users", json=another(), headers={"Prefer": "respond-async"})

    answer = run("push", "--json")

    assert (answer.exit_code, json.loads(answer.stdout)["pushed"]) == (0, 1)
    assert len(crm.all()) == 1


def test_a_run_that_fails_says_so_to_a_script(run, crm):
    crm.fault("status", status=500, count=None)

    answer = run("run", "--json")

    assert (answer.exit_code, json.loads(answer.stdout)["status"]) == (1, "failed")


def test_status_is_a_table_for_people_and_an_object_for_programs(run, crm, user):
    assert "users" in run("status").output
    found = json.loads(run("status", "--json").stdout)

    assert (found["crm"]["reachable"], found["resources"]["users"]["records"]) == (True, {"synced": 1})


def test_status_says_when_the_crm_does_not_answer(run, crm):
    crm.fault("status", status=500, count=None)

    assert "does not answer" in run("status").output


def test_retry_puts_failed_records_back(run, crm, client, another):
    crm.fault("status", status=400, count=1, method="POST")
    assert client.post("/users", json=another()).json["sync_status"] == "failed"

    assert run("retry").exit_code == 0
    assert client.get("/users").json["data"][0]["sync_status"] == "synced"


def test_conflicts_are_listed_with_both_values(run, crm, client, user):
    crm.edit(user["crm_id"], phone="987-654-3210")
    client.patch(f"/users/{user['id']}", json={"phone": "222-222-2222"})

    answer = run("conflicts")

    assert "222-222-2222" in answer.output
    assert "987-654-3210" in answer.output


def test_subscribing_twice_is_subscribing_once(run, crm):
    assert run("subscribe").exit_code == run("subscribe").exit_code == 0

    found = crm.http.get("/crm/webhooks", headers={"X-API-Key": "demo-api-key"}).json
    assert len(found["items"] if isinstance(found, dict) else found) == 1


def test_an_unknown_resource_is_named(run):
    answer = run("pull", "--resource", "dragons")

    assert answer.exit_code == 2
    assert "dragons" in answer.output


@pytest.mark.parametrize(
    "words", [("conflicts", "--limit", "9" * 26), ("resolve", "x", "--use", "value", "--value", "[" * 20_000)]
)
def test_what_is_asked_for_beyond_reason_is_a_usage_error(run, words):
    assert run(*words).exit_code == 2


def test_a_setting_that_cannot_be_is_one_sentence():
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "sync", "status"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PORT": "abc"}, capture_output=True, text=True, check=False, timeout=60
    )

    assert (done.returncode, done.stderr) == (1, "crm-sync: PORT must be a number of at least 1, not 'abc'.\n")
