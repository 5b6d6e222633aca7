"""One installation between real processes: web, worker and mock CRM as `make run` starts them."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent.parent
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

    def __init__(self, folder, database_url, **environ):
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
            **environ,
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

    def hurry(self):
        """Let time pass while a test waits: between processes it passes by itself."""

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
