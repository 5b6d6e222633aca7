"""Which process of a server holds a connection: of two processes, chance gives one of them nearly all of sixteen.

Linux only (`/proc/net/tcp`, `/proc/<pid>/fd`); both ends of the connection are on this machine.
"""

import time
from contextlib import suppress
from pathlib import Path

ESTABLISHED = "01"
ACCEPTED_WITHIN = 1.0


def holder(port: int, client_port: int) -> int | None:
    """Return the pid of who has accepted the connection between two ports; None when nobody does in time."""
    until = time.perf_counter() + ACCEPTED_WITHIN
    while time.perf_counter() < until:
        inode = _inode(port, client_port)
        found = None if inode == "0" else _who_has(f"socket:[{inode}]")
        if found is not None:
            return found
        time.sleep(0.001)
    return None


def _inode(port: int, client_port: int) -> str:
    """Return the inode of the server's end; "0" while it waits to be accepted."""
    for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]:
        _, local, remote, state, *_, inode = line.split()[:10]
        ports = [int(address.partition(":")[2], 16) for address in (local, remote)]
        if ports == [port, client_port] and state == ESTABLISHED:
            return inode
    return "0"


def _who_has(link: str) -> int | None:
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError):  # it ended meanwhile, or is somebody else's
                if any(str(one.readlink()) == link for one in (process / "fd").iterdir()):
                    return int(process.name)
    return None
