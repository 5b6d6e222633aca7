"""`make profile`: what the interpreter does while a bench is under way, as shares of the samples of py-spy.

A sample is the stack of the thread that holds the interpreter lock; it counts for the innermost part that it names.
Linux lets a process be looked at by root, or where kernel.yama.ptrace_scope is 0.
"""

import argparse
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import accept, canned, databases, filled, read, served, service, table, webhook
from benchmarks.canned import Habits
from benchmarks.load import Wrong
from benchmarks.served import Side
from benchmarks.stored import Known, stored

SAMPLES_A_SECOND = 250
SECONDS = 10.0
"""How long requests are sent."""
ATTACHED = 1.0
"""Seconds that py-spy may take to find its way around a process."""
PARTS = {
    "gunicorn, and the queue before it": ("gunicorn/", "app/server.py"),
    "Flask and Werkzeug": ("flask/", "werkzeug/", "blinker/", "app/http/"),
    "log lines and metrics": ("structlog/", "logging/", "app/logs.py", "app/metrics.py", "prometheus_client/"),
    "validation and mapping": (
        "marshmallow/", "email_validator/", "phonenumbers/", "idna/", "app/resources/", "app/core/schema.py",
        "app/core/kinds.py", "app/core/mapping.py", "app/core/record.py",
    ),
    "index of words": ("app/core/words.py", "app/store/search.py"),
    "SQL and transactions": (
        "sqlalchemy/", "flask_sqlalchemy/", "psycopg/", "app/core/db.py", "app/core/groups.py", "app/store/",
    ),
    "calls to the CRM": ("requests/", "urllib3/", "http/client.py", "tenacity/", "app/crm/"),
    "threads: handing work over": ("concurrent/", "threading.py", "queue.py", "selectors.py"),
    "the sync: claims, merge, journal, plan": ("app/sync/", "app/services/", "app/core/"),
}  # fmt: skip
OTHER = "other"
BEGIN, END = "<!-- profile -->", "<!-- end of profile -->"
Play = Callable[[ExitStack, Path], None]


def part_of(stack: str) -> str:
    """Return the part that the innermost frame belongs to which belongs to any; frames go from the outermost on."""
    for frame in reversed(stack.split(";")):
        path = frame.partition("(")[2].rpartition("site-packages/")[2]
        path = path.rpartition("/lib/python")[2].partition("/")[2] if "/lib/python" in path else path
        path = path.removeprefix(f"{service.ROOT}/")
        for part, prefixes in PARTS.items():
            if path.startswith(prefixes):
                return part
    return OTHER


def shares(folded: str) -> tuple[dict[str, float], int]:
    """Return the share of each part, and how many samples there are, of stacks that end with how often each was."""
    found: Counter[str] = Counter()
    for line in folded.splitlines():
        stack, _, times = line.rpartition(" ")
        found[part_of(stack)] += int(times)
    total = found.total()
    if not total:
        raise Wrong("py-spy saw nothing.")
    return {part: found[part] / total for part in [*PARTS, OTHER]}, total


@contextmanager
def _sampled(pid: int, into: Path) -> Iterator[None]:
    """Look at a process and its children while the block runs. Raises Wrong where that is not allowed."""
    command = [
        str(Path(sys.executable).parent / "py-spy"), "record", "--pid", str(pid), "--subprocesses", "--gil",
        "--format", "raw", "--output", str(into), "--rate", str(SAMPLES_A_SECOND), "--duration", "3600",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as looking:
        time.sleep(ATTACHED)
        yield
        looking.send_signal(signal.SIGINT)
        _, said = looking.communicate()
    if not into.exists():
        raise Wrong(said.strip().splitlines()[-1] if said.strip() else "py-spy wrote nothing.")


def _served(kind: str, status: int, make: Callable[[list[Known]], Callable[[int], list[bytes]]]) -> Play:
    def play(stack: ExitStack, into: Path) -> None:
        folder = into.parent
        made = stack.enter_context(stored(kind, folder, read.KNOWN))
        settings = served.production(folder, made.ours) | {"WEB_THREADS": "8"}
        line = served.line_of("web")
        port, pid = stack.enter_context(served.process(line, folder, "web", **settings))
        served.until_ready(port)
        side = Side(port, make(made.known), status, seconds=SECONDS, again=make is _reads, processes=1)
        with _sampled(pid, into):
            side.measure()

    return play


def _reads(known: list[Known]) -> Callable[[int], list[bytes]]:
    return lambda _: [served.call("GET", f"/users/{one.id}") for one in known]


def _told(what: str, habits: Habits, *, owed: int = 0, in_step: int = 0, **how: str) -> Play:
    def play(stack: ExitStack, into: Path) -> None:
        template = stack.enter_context(databases.sqlite_template())
        database = stack.enter_context(databases.sqlite(template))
        crm = stack.enter_context(canned.serving(habits))
        if in_step:
            filled.fill(database, in_step)
        ours = stack.enter_context(service.ready(database, crm.url, CRM_CALLS_AT_ONCE=8))
        if owed:
            ours.do("make", count=owed)
        with _sampled(ours.started.pid, into):
            ours.do(what, **how)

    return play


PLAYS: dict[str, Play] = {
    "accept": _served("SQLite", 201, lambda _: accept.creates()),
    "accept_postgresql": _served("PostgreSQL", 201, lambda _: accept.creates()),
    "read": _served("SQLite", 200, _reads),
    "webhook": _served("SQLite", 200, webhook.deliveries),
    "pull": _told("run", Habits(records=50_000), direction="pull"),
    "push": _told("run", Habits(service=0.005), owed=20_000, direction="push"),
    "push_alone": _told("run", Habits(service=0.005, batches=False), owed=2_000, direction="push"),
    "plan": _told("plan", Habits(records=100_000)),
    "verify": _told("verify", Habits(records=100_000), in_step=100_000),
}


def measure(name: str) -> tuple[dict[str, float], int]:
    """Play one bench under the eyes of py-spy; return the share of each part, and how many samples there are."""
    with tempfile.TemporaryDirectory(prefix="crm-sync-bench-") as folder, ExitStack() as stack:
        into = Path(folder) / "samples"
        PLAYS[name](stack, into)
        return shares(into.read_text())


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("names", nargs="*", choices=[*PLAYS, []], metavar="NAME", help=", ".join(PLAYS))
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    asked = parser.parse_args()
    found = {name: measure(name) for name in asked.names or PLAYS}
    lines = _table(found)
    print("\n".join(lines))
    if asked.write:
        table.put(service.ROOT / "docs" / "performance.md", BEGIN, END, lines)


def _table(found: dict[str, tuple[dict[str, float], int]]) -> list[str]:
    lines = [f"| share of the interpreter's time | {' | '.join(found)} |", "|---|" + "---|" * len(found)]
    for part in [*PARTS, OTHER]:
        cells = [_shown(parts[part]) for parts, _ in found.values()]
        lines += [f"| {part} | {' | '.join(cells)} |"] if any(cells) else []
    return [*lines, f"| samples | {' | '.join(f'{samples:,}' for _, samples in found.values())} |"]


def _shown(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else ""


if __name__ == "__main__":
    main()
