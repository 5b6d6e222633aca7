"""One pace for several processes, by a file."""

import struct
import threading
from contextlib import suppress
from multiprocessing import get_context

import pytest

from app.core.world import World
from app.crm.limits import Pace, Room
from app.crm.moments import Moments
from tests.support.limited import ceiling, take_all


def test_two_clients_with_one_file_share_the_pause_and_the_cap(world, clock, tmp_path):
    here, there = (Pace(world, 60, tmp_path / "pace") for _ in range(2))
    here.pause(5)
    assert there.paused_for() == 5

    calls = []
    for pace in (here, there, here, there):
        pace.take_turn(10)
        calls.append(clock.passed)
    assert calls == pytest.approx([5, 6, 7, 8], rel=0.02)


def test_what_one_client_hears_of_the_limit_holds_for_the_other(world, tmp_path):
    here, there = (Pace(world, 0, tmp_path / "pace") for _ in range(2))
    here.take_turn(0)
    here.heard(ceiling(100, 7, 30))
    there.take_turn(0)

    assert here.room() == there.room() == Room(limit=100, left=6, resets_in=30)


def test_threads_that_share_nothing_but_the_file_take_no_call_too_many(tmp_path):
    Pace(World(), 0, tmp_path / "pace").heard(ceiling(200, 100, 3600))
    taken = []
    threads = [threading.Thread(target=lambda: taken.append(take_all(tmp_path / "pace"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(taken), sum(taken)) == (4, 100)


def test_one_holds_the_file_at_a_time(world, tmp_path, monkeypatch):
    monkeypatch.setattr("app.crm.moments._TRIES", 100_000)
    here, there = Moments(tmp_path / "pace"), Pace(world, 0, tmp_path / "pace")
    other = threading.Thread(target=there.pause, args=(5,))
    with here.held(world.monotonic()) as kept:
        other.start()
        other.join(0.05)
        assert other.is_alive()
        kept.pause_end = world.monotonic() + 30
    other.join()

    assert there.paused_for() == 30


@pytest.mark.slow
def test_processes_take_no_call_too_many_and_leave_none(tmp_path):
    Pace(World(), 0, tmp_path / "pace").heard(ceiling(1000, 500, 3600))
    with get_context("spawn").Pool(3) as pool:
        taken = pool.map(take_all, [tmp_path / "pace"] * 3, chunksize=1)

    assert sum(taken) == 500


def test_a_new_client_goes_on_where_the_last_one_ended(world, clock, tmp_path):
    pace = Pace(world, 0, tmp_path / "pace")
    for _ in range(3):
        pace.take_turn(0)
        pace.heard(ceiling(100, 7, 30))
    clock.pass_(seconds=10)

    assert Pace(world, 0, tmp_path / "pace").room() == Room(limit=100, left=7, resets_in=20)


def test_the_calls_of_processes_that_were_killed_are_given_back(world, clock, tmp_path):
    pace = Pace(world, 0, tmp_path / "pace")
    pace.heard(ceiling(100, 50, 600))
    for _ in range(50):  # each in a process of its own, which never hears the answer
        Pace(world, 0, tmp_path / "pace").take_turn(0)
    assert pace.room().left == 0
    clock.pass_(seconds=61)

    assert pace.room().left == 50


OLDER_FORM = struct.pack("<dd", 1030.0, 1030.0)


@pytest.mark.parametrize(
    "content", [b"", b"x", b"\0" * 200, b"\xff" * 16, b"\xff" * 15 + b"\x7f", b"7" * 5000, OLDER_FORM]
)
def test_a_damaged_or_an_older_file_counts_as_empty(world, clock, tmp_path, content):
    path = tmp_path / "pace"
    path.write_bytes(content)
    pace = Pace(world, 60, path)
    pace.take_turn(1)
    assert (clock.slept, pace.room()) == ([], Room(None, None, None))
    pace.pause(3)
    pace.heard(ceiling(100, 7, 30))

    other = Pace(world, 60, path)
    assert (other.paused_for(), other.room().left) == (3, 7)


@pytest.mark.parametrize("place", range(0, 60, 5))
def test_a_file_with_one_wrong_byte_counts_as_empty(world, tmp_path, place):
    path = tmp_path / "pace"
    Pace(world, 0, path).pause(30)
    content = bytearray(path.read_bytes())
    content[place] ^= 0x10
    path.write_bytes(content)

    assert Pace(world, 0, path).paused_for() == 0


def test_a_file_of_an_earlier_start_of_the_machine_counts_as_empty(world, clock, tmp_path):
    clock.pass_(hours=5)
    Pace(world, 0, tmp_path / "pace").heard(ceiling(100, 0, 3600))
    clock.pass_(hours=-5)

    assert Pace(world, 0, tmp_path / "pace").paused_for() == 0


def test_the_file_does_not_grow(world, tmp_path):
    path = tmp_path / "pace"
    for _ in range(1000):
        Pace(world, 0, path).take_turn(0)

    assert path.stat().st_size < 4096


def test_a_file_that_goes_missing_does_not_end_a_pause_nor_forget_the_limit(world, tmp_path):
    path = tmp_path / "pace"
    pace = Pace(world, 0, path)
    pace.pause(30)
    pace.heard(ceiling(100, 7, 60))
    path.unlink()

    assert pace.paused_for() == 30
    pace.take_turn(31)
    assert (pace.room().left, Pace(world, 0, path).room().left) == (6, 6)


@pytest.mark.parametrize("make", [lambda path: path / "no" / "such" / "folder", lambda path: path])
def test_a_file_that_cannot_be_used_leaves_each_process_its_own_pace(world, tmp_path, make):
    pace = Pace(world, 60, make(tmp_path))
    pace.pause(5)
    pace.take_turn(10)

    assert pace.paused_for() == 0


def test_what_was_changed_before_an_error_is_kept(world, tmp_path):
    moments = Moments(tmp_path / "pace")
    with suppress(ZeroDivisionError), moments.held(world.monotonic()) as kept:
        kept.pause_end = world.monotonic() + 5
        raise ZeroDivisionError

    assert Pace(world, 0, tmp_path / "pace").paused_for() == 5


def test_the_file_is_for_its_owner_only(world, tmp_path):
    Pace(world, 60, tmp_path / "pace").take_turn(1)

    assert (tmp_path / "pace").stat().st_mode & 0o077 == 0
