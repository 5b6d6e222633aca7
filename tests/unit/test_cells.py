"""Cells that a spreadsheet would run: disarmed on the way out, and every text comes back."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.services.files.cells import guard, unguard

odd = st.text(st.sampled_from("'=+-@ 1a\t(\uff1d\uff0b") | st.characters(codec="utf-8"))


@given(odd)
@example("'=1")
@example("''+a")
@example("'")
def test_every_text_comes_back(text):
    assert unguard(guard(text)) == text


@pytest.mark.parametrize(
    "text", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd|x", " =1", "\t=1", "-Ann", "\uff1d1", "+1 555 ext. 5"]
)
def test_what_a_spreadsheet_would_run_is_text_afterwards(text):
    assert guard(text) == f"'{text}"


@pytest.mark.parametrize(
    "text", ["", "+1 (212) 555-0100", "-5", "Ann", "'Ann", "a=b", "ann@example.com", "O'Hara", "+"]
)
def test_the_rest_stays_as_it_is(text):
    assert guard(text) == unguard(text) == text


def test_an_apostrophe_of_somebody_elses_spreadsheet_is_taken_off_a_formula_only():
    assert (unguard("'=A1"), unguard("'Ann"), unguard("'+1 212")) == ("=A1", "'Ann", "'+1 212")
