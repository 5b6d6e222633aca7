"""The simulator finds every safeguard that is taken away; docs/proof.md holds the same table."""

import re
from pathlib import Path

import pytest

from app.simulator.invariants import INVARIANTS
from tests.simulator.mutants import FOUND_AT, MUTANTS

PROOF = (Path(__file__).resolve().parent.parent.parent / "docs" / "proof.md").read_text()


def broken_by(name):
    """Return the invariants that the table says a mutant breaks."""
    mutant = MUTANTS[name]
    faults = f" ({', '.join(mutant.faults)})" if mutant.faults else ""
    cells = f"| {mutant.safeguard} | `{name}` | {FOUND_AT[name]}{faults} | "
    row = re.search(rf"^{re.escape(cells)}(.*) \|$", PROOF, re.MULTILINE)
    assert row, f"docs/proof.md has no row for {name}"
    return set(row[1].split(", "))


@pytest.mark.parametrize("name", MUTANTS)
def test_a_safeguard_that_is_taken_away_is_missed(theatre, whole_theatre, monkeypatch, name):
    seed, mutant = FOUND_AT[name], MUTANTS[name]
    stage = whole_theatre if mutant.several else theatre
    made = mutant.history(seed, stage.registry)
    assert stage.play(made).violation is None

    mutant.break_it(monkeypatch)

    played = stage.play(made)
    assert played.invariant in mutant.found_by
    assert set(played.broken or [played.invariant]) == broken_by(name)


@pytest.mark.long
@pytest.mark.timeout(0)
@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_found_from_the_first_seed_on(theatre, whole_theatre, monkeypatch, name):
    mutant = MUTANTS[name]
    stage = whole_theatre if mutant.several else theatre
    mutant.break_it(monkeypatch)
    seeds = range(1, mutant.within + 1)
    found = (stage.play(mutant.history(seed, stage.registry)).invariant for seed in seeds)

    assert next((one for one in found if one), None) in mutant.found_by


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda one: one.name)
def test_the_table_names_each_invariant(invariant):
    assert f"| {invariant.name} | {invariant.sentence} |" in PROOF


def test_each_invariant_catches_a_mutant():
    caught = set().union(*map(broken_by, MUTANTS))

    assert {one.name for one in INVARIANTS} - caught == set()
