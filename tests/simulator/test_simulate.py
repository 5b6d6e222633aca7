"""The simulator: a seed is a history, everything holds, and what is broken is found and cut down."""

import json

import pytest

from app import create_app
from app.crm import dialect
from app.simulator import history
from app.simulator.play import Theatre

SEEDS = range(1, 26)


@pytest.fixture
def theatre():
    made = Theatre(create_app)
    yield made
    made.close()


def test_the_same_seed_is_the_same_history_to_the_byte(theatre):
    first, second = (theatre.play(history.make(8, 40)) for _ in range(2))

    assert first.writes == second.writes != []
    assert history.make(8, 40).shown() == history.make(8, 40).shown() != history.make(9, 40).shown()


def test_a_history_that_is_kept_is_read_as_it_was():
    made = history.make(5, 60)

    assert history.read(json.loads(json.dumps(made.shown()))) == made


def test_everything_holds_in_many_histories(theatre):
    assert {seed: theatre.play(history.make(seed, 60)).violation for seed in SEEDS} == dict.fromkeys(SEEDS)


def test_an_engine_that_overwrites_blindly_is_found_and_the_history_cut_down(theatre, monkeypatch):
    monkeypatch.setattr(dialect, "if_match", lambda _version: {})

    found = next(one for seed in range(1, 200) if (one := theatre.play(history.make(seed, 60, ()))).violation)
    shortest = theatre.shrink(found)

    assert shortest.violation
    assert len(shortest.history.steps) < 10


def test_the_command_says_what_it_played(app):
    answer = app.test_cli_runner().invoke(args=["sync", "simulate", "--seeds", "1..2", "--steps", "20", "--json"])

    assert answer.exit_code == 0
    assert json.loads(answer.stdout)["histories"] == 2
    assert json.loads(answer.stdout)["violation"] is None


@pytest.mark.parametrize("given", [["--seeds", "5..1"], ["--seeds", "few"], ["--faults", "gremlins"]])
def test_a_bad_option_is_refused(app, given):
    assert app.test_cli_runner().invoke(args=["sync", "simulate", *given]).exit_code == 2
