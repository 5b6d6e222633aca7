"""The simulator: a seed is a history, everything holds, and what is broken is found and cut down."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from app.crm import dialect
from app.resources import REGISTRY
from app.simulator import history, values
from app.simulator.acts import Acts
from app.simulator.faults import FAULTS
from app.simulator.history import STORAGE, WEIGHTS, History, Setting, Step
from app.simulator.invariants import INVARIANTS
from app.simulator.shrink import shrink
from app.simulator.theatre import Theatre

ROOT = Path(__file__).resolve().parent.parent.parent
SEEDS = range(1, 26)
LONG = range(1, 1001)
STEP = Step("push", faults={1: "cut_after"}, storage={1: "busy"})
KEPT = json.dumps(History(1, Setting(), [STEP]).shown()).replace('"do"', '"which": 0, "do"')
WHOLE, WHOLE_LONG = range(2, 5), range(1, 101)
"""Seeds of histories of several resources; each takes five times as long as one of users alone."""


def test_the_same_seed_is_the_same_history_to_the_byte(theatre):
    first, second = (theatre.play(history.make(8, 40)) for _ in range(2))

    assert first.digest == second.digest
    assert first.writes == second.writes != []
    assert history.make(8, 40).shown() == history.make(8, 40).shown() != history.make(9, 40).shown()


def test_the_same_seed_is_the_same_history_in_another_process_too():
    asked = [
        sys.executable,
        "-m",
        "flask",
        "--app",
        "wsgi",
        "sync",
        "simulate",
        "--seed",
        "8",
        "--steps",
        "30",
        "--json",
    ]
    told = [
        subprocess.run(
            asked, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": number}, capture_output=True, check=True, timeout=60
        ).stdout
        for number in ("1", "2")
    ]

    assert told[0] == told[1]
    assert len(json.loads(told[0])["digest"]) == 64


def test_a_history_that_is_kept_is_read_as_it_was():
    made = [history.make(seed, 60) for seed in range(20)]

    assert [history.read(json.loads(json.dumps(one.shown()))) for one in made] == made


def test_many_seeds_have_every_kind_of_step_and_of_fault():
    steps = [step for seed in range(300) for step in history.make(seed, 60).steps]
    nested = [one for step in steps for one in step.during.values()]

    assert {step.do for step in steps} == set(WEIGHTS)
    assert {fault for step in steps for fault in step.faults.values()} == set(FAULTS)
    assert {fault for step in steps for fault in step.storage.values()} == set(STORAGE)
    assert any(step.crash for step in steps)
    assert nested
    assert all(callable(getattr(Acts, do)) for do in WEIGHTS)


def test_everything_holds_in_many_histories(theatre):
    assert {seed: theatre.play(history.make(seed, 60)).violation for seed in SEEDS} == dict.fromkeys(SEEDS)


@pytest.mark.long
@pytest.mark.timeout(0)
@pytest.mark.parametrize("first", LONG[::100])
def test_everything_holds_in_a_thousand_histories(theatre, first):
    seeds = range(first, first + 100)
    assert {seed: theatre.play(history.make(seed, 60)).violation for seed in seeds} == dict.fromkeys(seeds)


def without_versions(seed):
    """A CRM in which only the clock says what is newer; whole seconds would leave too much open."""
    made = history.make(seed, 60)
    habits = replace(made.setting.habits, versions=False, coarse=False)
    return replace(made, setting=replace(made.setting, habits=habits))


def test_everything_but_edits_unseen_holds_for_a_crm_without_versions(theatre):
    assert {seed: theatre.play(without_versions(seed)).violation for seed in SEEDS} == dict.fromkeys(SEEDS)


@pytest.mark.long
@pytest.mark.timeout(0)
@pytest.mark.parametrize("first", LONG[::100])
def test_everything_but_edits_unseen_holds_for_a_thousand_crms_without_versions(theatre, first):
    seeds = range(first, first + 100)
    assert {seed: theatre.play(without_versions(seed)).violation for seed in seeds} == dict.fromkeys(seeds)


def whole(seeds, theatre):
    return {seed: theatre.play(history.make(seed, 60, registry=theatre.registry)).violation for seed in seeds}


def test_everything_holds_in_histories_of_several_resources(whole_theatre):
    assert whole(WHOLE, whole_theatre) == dict.fromkeys(WHOLE)


@pytest.mark.long
@pytest.mark.timeout(0)
@pytest.mark.parametrize("first", WHOLE_LONG[::25])
def test_everything_holds_in_a_hundred_histories_of_several_resources(whole_theatre, first):
    seeds = range(first, first + 25)
    assert whole(seeds, whole_theatre) == dict.fromkeys(seeds)


def test_a_history_of_users_is_the_same_whatever_else_is_declared(theatre, whole_theatre):
    made = history.make(8, 40)

    assert whole_theatre.play(made).digest == theatre.play(made).digest


def test_of_several_resources_the_seed_says_who_takes_part_and_whom_they_refer_to_does_too():
    made = [history.make(seed, 60, registry=REGISTRY) for seed in range(100)]

    assert {name for one in made for name in one.resources} == set(REGISTRY)
    assert all(REGISTRY[name].parents <= set(one.resources) for one in made for name in one.resources)
    assert all(step.resource in {"", *one.resources} for one in made for step in one.steps)
    assert [history.read(json.loads(json.dumps(one.shown()))) for one in made] == made


@pytest.mark.parametrize("resource", REGISTRY.values(), ids=REGISTRY)
def test_every_value_of_a_history_is_one_that_the_resource_takes(resource):
    someone = "01b8dac5-b403-7bae-a7e5-f104aef2f88a"
    made = [values.record(resource, number, lambda *_: someone) for number in range(50)]
    edits = [values.edit(resource, number, lambda *_: someone) for number in range(200)]

    assert [resource.full.load(one) for one in made] == made
    assert [resource.partial.load(one) for one in edits] == edits
    assert set().union(*edits) == set(resource.pushed_fields)


def test_an_engine_that_overwrites_blindly_is_found_and_the_history_cut_down(theatre, monkeypatch):
    real = dialect._batched
    monkeypatch.setattr(dialect, "if_match", lambda _version: {})
    monkeypatch.setattr(dialect, "_batched", lambda item: real(replace(item, version=None)))

    found = next(one for seed in range(1, 200) if (one := theatre.play(history.make(seed, 60, ()))).violation)
    shortest = shrink(theatre.play, found)

    assert shortest.invariant == found.invariant
    assert len(shortest.history.steps) < 10
    assert theatre.play(shortest.history).violation == shortest.violation


def test_each_invariant_has_a_name_of_its_own_and_a_sentence():
    names = [one.name for one in INVARIANTS]

    assert len(names) == len(set(names))
    assert all(one.sentence.endswith(".") for one in INVARIANTS)


def test_the_command_says_what_it_played(app):
    answer = app.test_cli_runner().invoke(args=["sync", "simulate", "--seeds", "1..3", "--steps", "40", "--json"])

    assert answer.exit_code == 0
    told = json.loads(answer.stdout)
    assert (told["histories"], told["steps"], told["violation"]) == (3, 120, None)
    assert told["changes"] > 0
    assert set(told["calls"]) == {"write", "look", "page", "token"}


@pytest.mark.parametrize("registry", [REGISTRY], ids=["all"])
def test_the_command_plays_some_resources_and_whom_they_refer_to(app):
    asked = ["sync", "simulate", "--seeds", "1..3", "--steps", "15", "--resources", "projects", "--json"]
    answer = app.test_cli_runner().invoke(args=asked)

    assert answer.exit_code == 0
    assert json.loads(answer.stdout)["changes"] > 0


def test_the_command_plays_a_kept_history_and_says_what_does_not_hold(app, tmp_path, monkeypatch):
    monkeypatch.setattr("app.crm.signature._equal", lambda *_: True)
    kept = tmp_path / "kept.json"
    steps = [{"do": "create_there", "value": 3}, {"do": "forge"}]
    kept.write_text(json.dumps(history.make(1, 0).shown() | {"steps": steps}))

    answer = app.test_cli_runner().invoke(args=["sync", "simulate", "--replay", str(kept)])

    assert answer.exit_code == 1
    assert "answers: a forged webhook was answered" in answer.output


@pytest.mark.parametrize(
    "given",
    [
        ["--seeds", "5..1"],
        ["--seeds", "few"],
        ["--seeds", "1..99999999999999999999999999"],
        ["--faults", "gremlins"],
        ["--rate", "2"],
        ["--steps", "0"],
        ["--resources", "gnomes"],
    ],
)
def test_a_bad_option_is_refused(app, given):
    assert app.test_cli_runner().invoke(args=["sync", "simulate", *given]).exit_code == 2


@pytest.mark.parametrize(
    "kept",
    [
        '{"seed": 1}',
        "[" * 100_000,
        KEPT.replace('"crm_wins"', '"whoever"'),
        KEPT.replace('"both"', '"post"'),
        KEPT.replace('"push"', '"dance"'),
        KEPT.replace('"cut_after"', '"gremlins"'),
        KEPT.replace('"busy"', '"asleep"'),
        KEPT.replace('"seed": 1', '"seed": "x"'),
        KEPT.replace('"which": 0', '"resource": "gnomes"'),
    ],
)
def test_a_file_that_is_no_history_is_refused(app, tmp_path, kept):
    (tmp_path / "kept.json").write_text(kept)
    answer = app.test_cli_runner().invoke(args=["sync", "simulate", "--replay", str(tmp_path / "kept.json")])

    assert (answer.exit_code, "kept.json" in answer.output) == (2, True)


def test_who_interrupts_it_is_shown_what_was_played(app, monkeypatch):
    play, played = Theatre.play, []

    def interrupted(self, history):
        if len(played) == 2:
            raise KeyboardInterrupt
        played.append(history)
        return play(self, history)

    monkeypatch.setattr(Theatre, "play", interrupted)
    answer = app.test_cli_runner().invoke(args=["sync", "simulate", "--seeds", "1..9", "--steps", "5", "--json"])
    shown = json.loads(answer.output)
    assert (answer.exit_code, shown["histories"], shown["interrupted"]) == (130, 2, True)
