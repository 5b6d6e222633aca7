"""What holds of every merge, whatever either side did."""

import itertools

from hypothesis import assume, given
from hypothesis import strategies as st

from app.core.record import CrmCopy, Stamp
from app.sync import reconcile

NAMES = ("name", "email", "phone")
VALUES = st.sampled_from(["a", "b", "c", "", None])
WHOLE = st.fixed_dictionaries(dict.fromkeys(NAMES, VALUES))
SOME = st.dictionaries(st.sampled_from(NAMES), VALUES)
WINNERS = st.sampled_from(["crm", "local", None])
DELIVERIES = st.lists(SOME, min_size=1, max_size=3)


def copy_of(base):
    return CrmCopy("CRM1", dict(base), 1, dict.fromkeys(base, Stamp(1)))


def merge(copy, local, told, version=2, winner="crm", whole=False):
    return reconcile.merge(copy, local, told, Stamp(version), lambda _name: winner, whole=whole)


def after(base, local, order):
    """Return what is known when deliveries, as (version, fields), came in this order."""
    copy, local = copy_of(base), dict(local)
    for version, told in order:
        merged = merge(copy, local, told, version)
        copy, local = merged.copy, merged.local
    return local, copy.fields, reconcile.owed(NAMES, local, copy)


@given(WHOLE, WHOLE, SOME, WINNERS, st.booleans())
def test_a_merge_repeated_changes_nothing(base, local, told, winner, whole):
    once = merge(copy_of(base), local, told, winner=winner, whole=whole)
    twice = merge(once.copy, once.local, told, winner=winner, whole=whole)

    assert (twice.local, twice.copy) == (once.local, once.copy)
    assert (twice.taken, twice.clashes, twice.ties) == ([], [], [])


@given(WHOLE, WHOLE, DELIVERIES)
def test_any_order_of_deliveries_over_edits_here_ends_the_same(base, local, told):
    """Unless the CRM went away from a value and back to it: who hears of the return first hears of no change."""
    newest = {name: value for fields in told for name, value in fields.items()}
    assume(all(local[name] == base[name] or base[name] != value for name, value in newest.items()))
    numbered = list(enumerate(told, start=2))
    straight = after(base, local, numbered)

    for order in itertools.permutations(numbered):
        assert after(base, local, [*order, *order]) == straight


@given(WHOLE, WHOLE, DELIVERIES)
def test_after_deliveries_in_any_order_both_sides_are_the_same_or_the_difference_is_owed(base, local, told):
    numbered = list(enumerate(told, start=2))

    for order in itertools.permutations(numbered):
        here, there, owed = after(base, local, order)
        assert there == {**base, **{name: value for fields in told for name, value in fields.items()}}
        assert owed == {name: value for name, value in here.items() if there[name] != value}


@given(WHOLE, WHOLE, SOME, WINNERS)
def test_what_both_sides_agree_on_is_not_pushed(base, local, told, winner):
    merged = merge(copy_of(base), local, told, winner=winner)
    owed = reconcile.owed(NAMES, merged.local, merged.copy)

    assert all(merged.local[name] != merged.copy.fields[name] for name in owed)
    assert not owed.keys() & {name for name, value in told.items() if merged.local[name] == value}


@given(WHOLE, WHOLE, SOME, WINNERS)
def test_no_edit_here_is_lost_without_a_conflict_that_keeps_it(base, local, told, winner):
    merged = merge(copy_of(base), local, told, winner=winner)

    kept = {clash.name: clash.local for clash in merged.clashes}
    edited = {name for name in NAMES if local[name] != base[name]}
    lost = {name: local[name] for name in edited if merged.local[name] != local[name]}
    assert lost.items() <= kept.items()


@given(WHOLE, WHOLE, SOME, WINNERS, st.booleans())
def test_a_field_that_was_not_mentioned_is_not_touched(base, local, told, winner, whole):
    merged = merge(copy_of(base), local, told, winner=winner, whole=whole)

    for name in set(NAMES) - told.keys():
        assert merged.local[name] == local[name]
        assert merged.copy.fields[name] == base[name]
        assert merged.copy.stamps[name] == Stamp(1)


@given(st.dictionaries(st.sampled_from(NAMES), VALUES), SOME)
def test_missing_null_and_empty_stay_three_things(known, told):
    merged = merge(copy_of(known), dict.fromkeys(NAMES) | known, told)

    expected = known | told
    assert {name: merged.copy.fields[name] for name in expected} == expected
    assert merged.copy.fields.keys() == expected.keys()


@given(WHOLE, WHOLE, SOME)
def test_what_waits_for_a_person_is_neither_taken_nor_pushed(base, local, told):
    merged = merge(copy_of(base), local, told, winner=None)

    held = {clash.name for clash in merged.clashes}
    assert set(merged.copy.held) == held
    assert all(merged.local[name] == local[name] for name in held)
    assert not held & reconcile.owed(NAMES, merged.local, merged.copy).keys()


@given(WHOLE, WHOLE, SOME, SOME, WINNERS)
def test_older_news_never_replaces_newer(base, local, newer, older, winner):
    now = merge(copy_of(base), local, newer, 3, winner)
    then = merge(now.copy, now.local, older, 2, winner)

    assert set(then.stale) == newer.keys() & older.keys()
    for name in newer:
        assert then.local[name] == now.local[name]
        assert then.copy.fields[name] == now.copy.fields[name]
