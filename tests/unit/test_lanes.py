"""How many calls at once: learned from how they end."""

import threading

import pytest

from app.crm.lanes import Lanes


@pytest.fixture
def lanes(world):
    return Lanes(world)


def full_round(lanes):
    for _ in range(lanes.allowed()):
        lanes.good()


def test_a_full_round_of_good_answers_adds_one(lanes):
    assert lanes.allowed() == 2
    lanes.good()
    assert lanes.allowed() == 2
    lanes.good()
    assert lanes.allowed() == 3
    full_round(lanes)
    assert lanes.allowed() == 4


def test_there_are_never_more_than_the_most(world):
    lanes = Lanes(world, most=5)
    for _ in range(100):
        lanes.good()

    assert lanes.allowed() == 5


@pytest.mark.parametrize(("most", "first"), [(1, 1), (2, 2), (0, 1), (-3, 1)])
def test_there_is_always_one_and_no_more_than_the_most_to_begin_with(world, most, first):
    assert Lanes(world, most=most).allowed() == first


def test_a_bad_answer_halves_them_once_a_second(lanes, clock):
    for _ in range(100):
        lanes.good()
    seen = []
    for _ in range(5):
        lanes.bad()
        lanes.bad()
        seen.append(lanes.allowed())
        clock.pass_(seconds=1)

    assert seen == [4, 2, 1, 1, 1]


def test_after_a_bad_answer_the_round_begins_anew(lanes):
    full_round(lanes)
    full_round(lanes)
    for _ in range(3):
        lanes.good()
    lanes.bad()
    lanes.good()
    assert lanes.allowed() == 2
    lanes.good()

    assert lanes.allowed() == 3


@pytest.mark.parametrize(
    ("outcome", "allowed"),
    [("200", 3), ("404", 3), ("422", 3), ("429", 1), ("503", 1), ("no_answer", 1), ("500", 2), ("no_token", 2)],
)
def test_outcomes_are_good_or_bad_or_say_nothing(lanes, outcome, allowed):
    lanes.note(outcome)
    lanes.note(outcome)

    assert lanes.allowed() == allowed


def test_threads_may_share_them(world):
    lanes = Lanes(world, most=1000)
    threads = [threading.Thread(target=lambda: [lanes.good() for _ in range(500)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    answers = sum(range(2, lanes.allowed()))
    assert answers <= 2000 < answers + lanes.allowed()
