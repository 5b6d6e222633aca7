"""Other people's tools beside ours: installed once, pinned, into an environment of their own in the cache folder."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parent.parent / "requirements-peers.txt"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "crm-sync"
DESTINATIONS = ("duckdb", "SQLite")
SCRIPT = '''
"""A pull with dlt: pages of the change feed, merged on their primary key."""
import json, sys, time
import dlt, requests

url, destination, folder, records = sys.argv[1:]

@dlt.resource(name="users", primary_key="crm_id", write_disposition="merge")
def users():
    session, cursor, more = requests.Session(), None, True
    while more:
        asked = {"limit": "1000", **({"updated_since": cursor} if cursor else {})}
        page = session.get(f"{url}/crm/users", params=asked, headers={"X-API-Key": "demo-api-key"}).json()
        cursor, more = page["next_cursor"], page["has_more"]
        yield page["items"]

into = (dlt.destinations.duckdb(f"{folder}/store.duckdb") if destination == "duckdb"
        else dlt.destinations.sqlalchemy(f"sqlite:///{folder}/store.db"))
pipeline = dlt.pipeline("peer", destination=into, dataset_name="peer", pipelines_dir=f"{folder}/pipelines")
begun = time.perf_counter()
pipeline.run(users())
taken = time.perf_counter() - begun
with pipeline.sql_client() as sql:
    found = sql.execute_sql("SELECT count(*) FROM users")[0][0]
assert found == int(records), found
print(json.dumps(taken))
'''


def dlt_pull(url: str, destination: str, records: int) -> float | None:
    """Pull with dlt in a fresh process; return its seconds, None where it cannot be had."""
    python = _environment()
    if python is None:
        return None
    with tempfile.TemporaryDirectory(prefix="crm-sync-bench-") as folder:
        settings = {**os.environ, "RUNTIME__DLTHUB_TELEMETRY": "false", "DLT_DATA_DIR": folder}
        done = subprocess.run(
            [python, "-c", SCRIPT, url, destination, folder, str(records)],
            cwd=folder, env=settings, capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        print(f"dlt on {destination} failed: {done.stderr[-500:]}", file=sys.stderr)
        return None
    taken: float = json.loads(done.stdout.splitlines()[-1])
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
