"""The main job between real processes: web, worker and mock CRM as `make run` starts them."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.support.stack import ROOT, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_records_move_both_ways_between_real_processes(stack):
    stack.start_all()
    user = stack.create().json()
    assert user["sync_status"] == "synced"

    stack.edit_there(user["crm_id"], phone="987-654-3210")
    until(lambda: stack.user(user["id"])["phone"] == "987-654-3210", seconds=10, what="the webhook")
    url = f"{stack.api}/users/{user['id']}"
    assert requests.patch(url, json={"name": "Ann Here"}, timeout=10).json()["sync_status"] == "synced"

    [there] = stack.there()
    assert (there["name"], there["phone"]) == ("Ann Here", "987-654-3210")
    assert len(stack.subscriptions()) == 1
    assert stack.stop() == [0, 0, 0]


def test_what_is_stored_while_the_crm_is_away_arrives_once_when_it_is_back(stack):
    stack.start_all()
    stack.kill("crm")
    user = stack.create().json()
    assert user["sync_status"] == "pending"

    stack.start("crm")

    until(lambda: stack.user(user["id"])["sync_status"] == "synced", seconds=60, what="the push")
    assert len(stack.there()) == 1


def test_nothing_acknowledged_is_lost_when_the_service_is_killed(stack):
    stack.start_all()
    users = []
    for number in range(6):
        users += [stack.create(f"user{number}.{n}@example.com", Prefer="respond-async").json() for n in range(10)]
        for name in ("web", "worker"):
            stack.kill(name)
            stack.start(name)
        until(lambda: requests.get(f"{stack.api}/readyz", timeout=1).ok, what="web")

    def all_synced():
        found = requests.get(f"{stack.api}/users?per_page=100&sync_status=synced", timeout=5).json()
        return found["pagination"]["total"] == len(users)

    until(all_synced, seconds=150, what="the drain")
    assert sorted(one["external_id"] for one in stack.there()) == sorted(user["id"] for user in users)


def test_a_restart_of_the_mock_crm_forgets_nothing(stack):
    stack.start_all()
    user = stack.create().json()
    stack.kill("crm")
    stack.start("crm")
    until(lambda: requests.get(f"{stack.crm}/healthz", timeout=1).ok)

    stack.edit_there(user["crm_id"], phone="987-654-3210")

    until(lambda: stack.user(user["id"])["phone"] == "987-654-3210", seconds=10, what="the webhook")


def test_the_log_file_tells_the_story_without_personal_data(stack, tmp_path):
    stack.start_all()
    user = stack.create("quite.personal@example.com").json()
    stack.edit_there(user["crm_id"], phone="987-654-3210")
    until(lambda: stack.user(user["id"])["phone"] == "987-654-3210")
    stack.stop()

    written = (tmp_path / "app.log").read_text()
    assert "push_done" in written
    assert '"event": "webhook"' in written
    for secret in ("quite.personal", "987-654-3210", "Ann Example", "demo-secret", "a-secret-for-this-test"):
        assert secret not in written
        assert secret not in stack.log.read_text()


def test_two_web_processes_and_the_worker_are_one_service(stack, tmp_path):
    counted = tmp_path / "counted"
    counted.mkdir()
    stack.environ |= {"WEB_CONCURRENCY": "2", "PROMETHEUS_MULTIPROC_DIR": str(counted), "SYNC_MODE": "worker"}
    stack.start_all()
    emails = [f"user{number}@example.com" for number in range(40)]

    with ThreadPoolExecutor(8) as crowd:
        made = [answer.json() for answer in crowd.map(stack.create, emails)]
    until(lambda: all(stack.user(user["id"])["sync_status"] == "synced" for user in made), what="the pushes")

    assert sorted(one["external_id"] for one in stack.there()) == sorted(user["id"] for user in made)
    assert {_pushed(stack) for _ in range(8)} == {40.0}  # whichever process answers, and whichever pushed
    assert stack.stop() == [0, 0, 0]


def _pushed(stack):
    families = text_string_to_metric_families(requests.get(f"{stack.api}/metrics", timeout=5).text)
    pushes = [one for family in families for one in family.samples if one.name == "crm_sync_pushes_total"]
    return sum(one.value for one in pushes if one.labels["outcome"] == "synced")


def test_make_run_ends_when_nobody_reads_what_it_says(stack):
    command = [sys.executable, "-m", "app.stack"]
    started = subprocess.Popen(
        command, cwd=ROOT, env=stack.environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    stack.running["make run"] = started
    assert started.stdout.readline()

    started.stdout.close()

    assert started.wait(40) == 0
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{stack.api}/healthz", timeout=1)
    del stack.running["make run"]
