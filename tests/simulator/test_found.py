"""What the simulator once found, cut down to what it takes: each history is named by what did not hold."""

import json
from pathlib import Path

import pytest

from app.simulator import history

FOUND = sorted((Path(__file__).parent / "found").glob("*.json"))


@pytest.mark.parametrize("path", FOUND, ids=[path.stem for path in FOUND])
def test_what_was_once_found_holds(theatre, whole_theatre, path):
    kept = history.read(json.loads(path.read_text()))

    assert (whole_theatre if kept.resources else theatre).play(kept).violation is None
