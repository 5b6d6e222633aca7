"""A disk that takes 2 ms longer for each fsync: a library that is preloaded into whatever is measured."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.load import ROOT, Wrong

SOURCE = ROOT / "benchmarks" / "slow_fsync.c"
COMMITS = 20
TRIED = f"""
import sqlite3, sys, time
one = sqlite3.connect(sys.argv[1], isolation_level=None)
one.execute("PRAGMA synchronous=FULL")
one.execute("PRAGMA journal_mode=WAL")
one.execute("CREATE TABLE IF NOT EXISTS t (n)")
begun = time.perf_counter()
for number in range({COMMITS}):
    one.execute("INSERT INTO t VALUES (?)", (number,))
print(time.perf_counter() - begun)
"""


@contextmanager
def slow_disk() -> Iterator[dict[str, str] | None]:
    """Yield what the environment needs for it; None, said loudly, where there is no C compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        print("  !!! NOT MEASURED with +2 ms per fsync: there is no C compiler (cc, gcc or clang) on this machine")
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="crm-sync-bench-") as folder:
        library = Path(folder) / "slow_fsync.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, SOURCE, "-ldl"], check=True)
        environ = {"LD_PRELOAD": str(library)}
        _check(Path(folder), environ)
        yield environ


def _check(folder: Path, environ: dict[str, str]) -> None:
    """A library that nobody feels would measure the fast disk twice."""
    ran = [sys.executable, "-c", TRIED, str(folder / "tried.db")]
    begun = time.perf_counter()
    done = subprocess.run(ran, env=os.environ | environ, capture_output=True, text=True, check=True)
    if float(done.stdout) < COMMITS * 0.002:
        raise Wrong(f"{COMMITS} commits took {done.stdout.strip()} s of {time.perf_counter() - begun:.2f}: no +2 ms")
