"""Fixtures: mock CRMs in a process that survives what is killed here, and the places where it happens."""

import logging
import tempfile
from pathlib import Path

import pytest

from tests.support.crash_crm import CrmProcess
from tests.support.crash_play import everywhere

log = logging.getLogger(__name__)


@pytest.fixture(scope="module")
def fast_folder():
    """A folder that costs no disk, where there is one: a killed process loses nothing that it has handed to a file."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def crms(fast_folder):
    made = CrmProcess(fast_folder)
    yield made
    made.stop()


@pytest.fixture
def die_everywhere(crms, sqlite_template, fast_folder, record_property, request):
    """Kill a scenario's process at each of its points, and say how many those were."""

    def die(scenario, database=sqlite_template, stride=1):
        points = everywhere(scenario, crms.url, fast_folder, str(database), stride)
        assert points
        calls = sum(one.startswith("after call") for one in points)
        commits = sum(one == "after commit" for one in points)
        record_property("crash points", len(points))
        log.info("%s: %s points, %s commits, %s calls", request.node.name, len(points), commits, calls)

    return die
