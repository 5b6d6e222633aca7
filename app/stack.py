"""`make run`: migrate, start what the Procfile names, say what runs where, and stop it all cleanly."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import honcho.manager
import honcho.printer
import requests
from honcho.environ import parse_procfile

import config
from app import create_app, metrics

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN = 60.0
STARTED_WITHIN = 5.0
STOP_WITHIN = 25
"""Seconds for what is in flight to end before a process is killed; above gunicorn's graceful timeout."""
LINE = "─" * 72


def main() -> int:
    """Run until Ctrl-C or until one of the processes ends by itself; return the exit status."""
    try:
        settings = config.load()
        # Whatever is wrong with a setting is said here, once; the counters get their folder below.
        create_app({"LOG_LEVEL": "WARNING", "LOG_FILE": "", metrics.SHARED: "made below"})
    except ValueError as error:
        print(f"crm-sync cannot start: {error}", file=sys.stderr)
        return 2
    processes = _processes(settings)
    taken = [port for port in _ports(settings) if not _is_free(port)]
    if taken:
        print(f"Port {taken[0]} is in use. Stop what uses it, or choose others:", file=sys.stderr)
        print("  PORT=9000 MOCK_CRM_PORT=9001 make run", file=sys.stderr)
        return 2
    migrated = subprocess.run([sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"], cwd=ROOT, check=False)
    if migrated.returncode:
        return migrated.returncode
    return _supervise(processes, settings)


def _processes(settings: dict[str, object]) -> dict[str, str]:
    found = dict(parse_procfile((ROOT / "Procfile").read_text()).processes)
    if not settings["MOCK_CRM"]:
        del found["crm"]
    return found


def _supervise(processes: dict[str, str], settings: dict[str, object]) -> int:
    honcho.manager.KILL_WAIT = STOP_WITHIN
    manager = honcho.manager.Manager(_Printer(sys.stdout))  # type: ignore[no-untyped-call]
    # In memory where there is such a place: to write into a mapped file on a disk that is full would end the process.
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
    with tempfile.TemporaryDirectory(prefix="crm-sync-metrics-", dir=memory) as counted:
        environ = {
            metrics.SHARED: counted,
            **os.environ,
            "PORT": str(settings["PORT"]),
            "MOCK_CRM_PORT": str(settings["MOCK_CRM_PORT"]),
            "PYTHONUNBUFFERED": "1",
        }
        for name, command in processes.items():
            manager.add_process(name, command, cwd=str(ROOT), env=environ)
        threading.Thread(target=_say_when_ready, args=(settings,), daemon=True).start()
        manager.loop()
    status = int(manager.returncode or 0)
    return 0 if status in {128 + signal.SIGINT, 128 + signal.SIGTERM} else status


class _Printer(honcho.printer.Printer):
    """Prints what the processes say. When nobody reads that any more (`make run | head`), all ends as at Ctrl-C."""

    def write(self, message: honcho.printer.Message) -> None:
        try:
            super().write(message)  # type: ignore[no-untyped-call]
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            # Later: honcho cannot end a process that it has not seen start.
            threading.Timer(STARTED_WITHIN, os.kill, (os.getpid(), signal.SIGINT)).start()


def _say_when_ready(settings: dict[str, object]) -> None:
    url = f"http://127.0.0.1:{settings['PORT']}"
    until = time.monotonic() + READY_WITHIN
    while time.monotonic() < until:
        try:
            if requests.get(f"{url}/readyz", timeout=1).ok and _crm_answers(settings):
                print(_screen(url, settings), flush=True)
                return
        except requests.RequestException:
            pass
        time.sleep(0.1)


def _crm_answers(settings: dict[str, object]) -> bool:
    return (
        not settings["MOCK_CRM"] or requests.get(f"http://127.0.0.1:{settings['MOCK_CRM_PORT']}/healthz", timeout=1).ok
    )


def _screen(url: str, settings: dict[str, object]) -> str:
    crm = settings["CRM_API_URL"]
    mock = "  ← its records; edit one as CRM staff would" if settings["MOCK_CRM"] else ""
    database = str(settings["SQLALCHEMY_DATABASE_URI"]).split("@")[-1].replace(f"{ROOT}/", "")
    return f"""
{LINE}
 crm-sync is running. Ctrl-C stops all of it.

   API       {url}          docs {url}/docs
   CRM       {crm}{mock}
   database  {database}

 Try it:

   curl -i {url}/users -H 'Content-Type: application/json' \\
     -d '{{"name": "John Smith", "email": "john.smith@example.com", "phone": "123-456-7890"}}'

 Then: make demo, in another terminal.
{LINE}"""


def _ports(settings: dict[str, object]) -> list[int]:
    names = ["PORT", "MOCK_CRM_PORT"] if settings["MOCK_CRM"] else ["PORT"]
    return [int(str(settings[name])) for name in names]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    sys.exit(main())
