"""Other people's tools beside ours: installed once, pinned, into an environment of their own in the cache folder."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from benchmarks.databases import Database

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE.parent / "requirements-peers.txt"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crm-sync"
DESTINATIONS = ("duckdb", "SQLite")


def dlt_pull(url: str, destination: str, records: int) -> float | None:
    """Pull with dlt in a fresh process; return its seconds without its start, None where it cannot be had."""
    python = _environment()
    if python is None:
        return None
    with tempfile.TemporaryDirectory(prefix="crm-sync-bench-") as folder:
        settings = {**os.environ, "RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": folder}
        done = subprocess.run(
            [python, HERE / "peer_dlt.py", url, destination, folder, str(records)],
            cwd=folder, env=settings, capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        print(f"dlt on {destination} failed: {done.stderr[-500:]}", file=sys.stderr)
        return None
    taken: float = json.loads(done.stdout.splitlines()[-1])
    return taken


def singer_pull(url: str, database: Database, records: int) -> float | None:
    """Pull with a Singer tap into target-postgres; return the seconds of both, their start included, or None."""
    python = _environment()
    if python is None:
        return None
    with tempfile.TemporaryDirectory(prefix="crm-sync-bench-") as name:
        folder = Path(name)
        (folder / "tap.json").write_text(json.dumps({"url": url}))
        into = {"sqlalchemy_url": database.url.partition("?")[0], "default_target_schema": database.schema,
                "add_record_metadata": False, "activate_version": False}  # fmt: skip
        (folder / "target.json").write_text(json.dumps(into))
        read = [python, HERE / "peer_singer.py", "--config", "tap.json"]
        write = [Path(python).with_name("target-postgres"), "--config", "target.json"]
        begun = time.perf_counter()
        with (
            (folder / "log").open("w") as log,
            subprocess.Popen(read, cwd=folder, stdout=subprocess.PIPE, stderr=log) as tap,
        ):
            done = subprocess.run(write, cwd=folder, stdin=tap.stdout, capture_output=True, text=True, check=False)
        taken = time.perf_counter() - begun
    if done.returncode or tap.returncode:
        print(f"Singer failed: {done.stderr[-500:]}", file=sys.stderr)
        return None
    with psycopg.connect(database.dsn) as connection:
        (found,) = connection.execute("SELECT count(*) FROM crm_users").fetchone() or (0,)
    assert found == records, found
    return taken


def _environment() -> str | None:
    """Return the Python that has the peers; made on first use, and anew when the pins change."""
    pins = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = CACHE / f"peers-{pins}"
    python = folder / "bin" / "python"
    if (folder / "done").exists():
        return str(python)
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    done = subprocess.run([*install, "-r", str(REQUIREMENTS)], capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"The peers cannot be installed: {done.stderr[-500:]}", file=sys.stderr)
        return None
    (folder / "done").touch()
    return str(python)
