"""One pace for several processes, by a file."""

import threading
import time

import pytest

from app.core.world import World
from app.crm.limits import Pace


def test_two_clients_with_one_file_share_the_pause_and_the_cap(world, clock, tmp_path):
    here, there = (Pace(world, 60, tmp_path / "pace") for _ in range(2))
    here.pause(5)
    assert there.paused_for() == 5

    calls = []
    for pace in (here, there, here, there):
        pace.take_turn(10)
        calls.append(clock.passed)
    assert calls == pytest.approx([5, 6, 7, 8])


def test_clients_that_share_nothing_but_the_file_keep_the_cap_together(tmp_path):
    calls = []

    def work():
        pace = Pace(World(), 3000, tmp_path / "pace")
        for _ in range(5):
            pace.take_turn(10)
            calls.append(time.monotonic())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(calls) == 20
    assert max(calls) - min(calls) > 19 * 0.02 - 0.015


@pytest.mark.parametrize("content", [b"", b"x", b"\xff" * 16, b"\xff" * 15 + b"\x7f", b"7" * 1000])
def test_a_damaged_file_counts_as_empty(world, clock, tmp_path, content):
    path = tmp_path / "pace"
    path.write_bytes(content)
    pace = Pace(world, 60, path)
    pace.take_turn(1)
    assert clock.slept == []
    pace.pause(3)
    assert Pace(world, 60, path).paused_for() == 3


def test_a_file_that_goes_missing_does_not_end_a_pause(world, tmp_path):
    path = tmp_path / "pace"
    pace = Pace(world, 0, path)
    pace.pause(30)
    path.unlink()

    assert pace.paused_for() == 30


@pytest.mark.parametrize("make", [lambda path: path / "no" / "such" / "folder", lambda path: path])
def test_a_file_that_cannot_be_used_leaves_each_process_its_own_pace(world, tmp_path, make):
    pace = Pace(world, 60, make(tmp_path))
    pace.pause(5)
    pace.take_turn(10)

    assert pace.paused_for() == 0


def test_the_file_is_for_its_owner_only(world, tmp_path):
    Pace(world, 60, tmp_path / "pace").take_turn(1)

    assert (tmp_path / "pace").stat().st_mode & 0o077 == 0
