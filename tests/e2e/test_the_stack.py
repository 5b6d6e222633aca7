"""The main job between real processes: web, worker and mock CRM as `make run` starts them."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
STAFF = {"X-API-Key": "demo-api-key"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(check, seconds=30.0, what="it"):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            found = check()
        except requests.RequestException:
            found = None
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not happen within {seconds} s")


class Stack:
    """The processes of one installation in a folder of its own; each can be killed and started again."""

    def __init__(self, folder, database_url):
        self.port, self.crm_port = free_port(), free_port()
        self.api, self.crm = f"http://127.0.0.1:{self.port}", f"http://127.0.0.1:{self.crm_port}"
        self.log = folder / "stack.log"
        self.environ = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PORT": str(self.port),
            "MOCK_CRM_PORT": str(self.crm_port),
            "DATABASE_URL": database_url,
            "MOCK_CRM_DATABASE": str(folder / "mock.db"),
            "LOG_FILE": str(folder / "app.log"),
            "APP_ENV": "testing",
            "WEBHOOK_SECRET": "a-secret-for-this-test",
            "SECRET_KEY": "x" * 32,
        }
        self.running = {}
        procfile = (ROOT / "Procfile").read_text().splitlines()
        self.commands = dict(line.split(": ", 1) for line in procfile)

    def start(self, name):
        out = self.log.open("ab")
        command = self.commands[name]
        self.running[name] = subprocess.Popen(
            ["/bin/sh", "-c", command], cwd=ROOT, env=self.environ, stdout=out, stderr=out, start_new_session=True
        )
        out.close()

    def start_all(self):
        for name in ("crm", "web", "worker"):
            self.start(name)
        until(lambda: requests.get(f"{self.api}/readyz", timeout=1).ok, what="web")
        until(lambda: requests.get(f"{self.crm}/healthz", timeout=1).ok, what="the mock CRM")
        until(self.subscriptions, what="the subscription")

    def kill(self, name):
        os.killpg(self.running[name].pid, signal.SIGKILL)
        self.running.pop(name).wait(10)

    def stop(self):
        for process in self.running.values():
            os.killpg(process.pid, signal.SIGTERM)
        codes = [process.wait(30) for process in self.running.values()]
        self.running = {}
        return codes

    def subscriptions(self):
        found = requests.get(f"{self.crm}/crm/webhooks", headers=STAFF, timeout=2).json()
        return found["items"] if isinstance(found, dict) else found

    def create(self, email="ann@example.com", **headers):
        body = {"name": "Ann Example", "email": email, "phone": "123-456-7890"}
        return requests.post(f"{self.api}/users", json=body, headers=headers, timeout=20)

    def user(self, identity):
        return requests.get(f"{self.api}/users/{identity}", timeout=5).json()

    def edit_there(self, crm_id, **fields):
        url = f"{self.crm}/crm/users/{crm_id}"
        assert requests.patch(url, json=fields, headers=STAFF, timeout=5).ok

    def there(self):
        found = requests.get(f"{self.crm}/crm/users?updated_since=&limit=1000", headers=STAFF, timeout=5).json()
        return [one for one in found["items"] if not one["deleted"]]


@pytest.fixture
def stack(tmp_path, database_url):
    made = Stack(tmp_path, database_url)
    yield made
    for name in list(made.running):
        made.kill(name)


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
