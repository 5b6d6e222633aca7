"""The merge, as values: who changed what, what is taken, what stays, what is owed."""

import itertools
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from app.core.record import CrmCopy, Stamp
from app.sync import reconcile

PUSHED = ("name", "email", "phone")


def copy_of(version=1, **fields):
    stamps = {name: Stamp(version) for name in fields}
    return CrmCopy("CRM1", dict(fields), version, stamps)


def merge(copy, local, told, version, *, winner="crm", whole=False, **more):
    return reconcile.merge(copy, local, told, Stamp(version), lambda _name: winner, whole=whole, **more)


def owed(merged):
    return reconcile.owed(PUSHED, {"name": None, "email": None, "phone": None} | merged.local, merged.copy)


def test_a_change_there_is_taken():
    merged = merge(copy_of(phone="1"), {"phone": "1"}, {"phone": "2"}, 2)

    assert (merged.local, merged.taken, owed(merged)) == ({"phone": "2"}, ["phone"], {})


def test_a_change_here_is_kept_and_owed():
    merged = merge(copy_of(phone="1", name="A"), {"phone": "2", "name": "A"}, {"name": "B"}, 2)

    assert merged.local == {"phone": "2", "name": "B"}
    assert owed(merged) == {"phone": "2"}


def test_the_same_change_on_both_sides_is_agreed():
    merged = merge(copy_of(phone="1"), {"phone": "2"}, {"phone": "2"}, 2)

    assert (merged.clashes, merged.taken, owed(merged)) == ([], [], {})


def test_different_changes_are_a_conflict_that_the_crm_wins():
    merged = merge(copy_of(phone="1"), {"phone": "2"}, {"phone": "3"}, 2)

    assert merged.local == {"phone": "3"}
    assert [(c.last_told, c.local, c.crm, c.winner) for c in merged.clashes] == [("1", "2", "3", "crm")]


def test_a_conflict_that_we_win_is_owed():
    merged = merge(copy_of(phone="1"), {"phone": "2"}, {"phone": "3"}, 2, winner="local")

    assert (merged.local, owed(merged)) == ({"phone": "2"}, {"phone": "2"})


def test_a_conflict_that_nobody_decided_is_held_and_not_owed():
    merged = merge(copy_of(phone="1"), {"phone": "2"}, {"phone": "3"}, 2, winner=None)

    assert (merged.local, merged.copy.held, owed(merged)) == ({"phone": "2"}, ["phone"], {})


def test_an_echo_changes_nothing():
    merged = merge(copy_of(phone="2"), {"phone": "2"}, {"phone": "2"}, 2)

    assert (merged.local, merged.taken, merged.clashes) == ({"phone": "2"}, [], [])


def test_older_news_of_one_field_does_not_hide_newer_news_of_another():
    copy = merge(copy_of(phone="1", name="A"), {"phone": "1", "name": "A"}, {"phone": "3"}, 3).copy

    merged = merge(copy, {"phone": "3", "name": "A"}, {"phone": "2", "name": "B"}, 2)

    assert (merged.local, merged.stale) == ({"phone": "3", "name": "B"}, ["phone"])


def test_two_values_at_one_time_are_settled_by_the_crm():
    merged = merge(copy_of(2, phone="1"), {"phone": "1"}, {"phone": "2"}, 2)

    assert (merged.ties, merged.local) == (["phone"], {"phone": "1"})
    assert merge(copy_of(2, phone="1"), {"phone": "1"}, {"phone": "2"}, 2, whole=True).local == {"phone": "2"}


def test_missing_null_and_empty_are_three_things():
    copy, local = copy_of(phone="1"), {"phone": "1"}

    assert merge(copy, local, {}, 2).local == {"phone": "1"}
    assert merge(copy, local, {"phone": None}, 2).local == {"phone": None}
    assert merge(copy, local, {"phone": ""}, 2).local == {"phone": ""}


def test_our_own_value_on_its_way_back_is_no_conflict_with_a_newer_edit():
    merged = merge(copy_of(phone="1"), {"phone": "3"}, {"phone": "2"}, 2, sent=[{"phone": "2"}])

    assert (merged.local, merged.clashes, owed(merged)) == ({"phone": "3"}, [], {"phone": "3"})


def test_another_form_of_what_was_sent_becomes_ours_under_crm_wins():
    merged = merge(copy_of(name="x"), {"name": " A "}, {"name": "A"}, 2, whole=True, answer_to={"name": " A "})

    assert (merged.local, owed(merged), merged.clashes) == ({"name": "A"}, {}, [])


def test_another_form_is_remembered_as_the_same_value_otherwise():
    merged = merge(
        copy_of(name="x"), {"name": " A "}, {"name": "A"}, 2, whole=True, answer_to={"name": " A "}, winner="local"
    )

    assert (merged.local, owed(merged)) == ({"name": " A "}, {})
    again = merge(merged.copy, merged.local, {"name": "B"}, 3)
    assert again.local == {"name": "B"}


def test_a_field_that_the_crm_never_mentions_is_sent_once():
    merged = merge(copy_of(), {"phone": "1"}, {}, 2, whole=True, answer_to={"phone": "1"})

    assert owed(merged) == {}
    assert reconcile.owed(PUSHED[2:], {"phone": "2"}, merged.copy) == {"phone": "2"}


def test_an_edit_during_the_push_is_owed_whatever_the_answer():
    merged = merge(copy_of(name="x"), {"name": "C"}, {"name": "B"}, 2, whole=True, answer_to={"name": "B"})

    assert (merged.local, owed(merged)) == ({"name": "C"}, {"name": "C"})


def test_a_gap_in_the_versions_keeps_the_version_that_is_safe_to_overwrite():
    copy, local = copy_of(1, phone="1", name="A"), {"phone": "1", "name": "A"}

    after_gap = merge(copy, local, {"phone": "3"}, 3)
    filled = merge(after_gap.copy, after_gap.local, {"name": "B"}, 2)

    assert (after_gap.copy.version, filled.copy.version) == (1, 3)


values = st.sampled_from(["a", "b", "c", None, ""])
deliveries = st.lists(st.dictionaries(st.sampled_from(PUSHED), values, min_size=1), min_size=1, max_size=4)


@given(deliveries)
def test_any_order_and_repetition_of_deliveries_gives_the_same_record(told):
    start = {"name": "x", "email": "x", "phone": "x"}
    numbered = list(enumerate(told, start=2))
    ends = set()
    for order in itertools.permutations(numbered):
        copy, local = copy_of(1, **start), dict(start)
        for version, fields in [*order, order[0]]:
            merged = merge(copy, local, fields, version)
            copy, local = merged.copy, merged.local
            assert copy.version <= len(numbered) + 1
        ends.add(tuple(sorted(local.items())))
    assert len(ends) == 1


@given(st.dictionaries(st.sampled_from(PUSHED), values), st.dictionaries(st.sampled_from(PUSHED), values))
def test_after_pushing_what_is_owed_nothing_is_owed(local, base):
    local = {"name": "n", "email": "e", "phone": None} | local
    copy = copy_of(1, **base)
    sent = reconcile.owed(PUSHED, local, copy)

    merged = merge(copy, local, base | sent, 2, whole=True, answer_to=sent)

    assert owed(merged) == {}
    assert merged.local == local


def unversioned(copy, told, second, *, whole=False):
    stamp = Stamp(at=datetime(2030, 1, 1, 0, 0, second, tzinfo=UTC))
    return reconcile.merge(copy, {"name": "A"}, told, stamp, lambda _name: "crm", whole=whole).copy


def test_a_first_message_without_a_version_leaves_nothing_to_be_overwritten_blindly():
    first = unversioned(CrmCopy("CRM1"), {"name": "A"}, 1)

    assert (first.version, unversioned(first, {"name": "B"}, 2).version) == (0, 0)


def test_a_crm_without_versions_is_never_asked_for_one():
    known = unversioned(CrmCopy("CRM1"), {"name": "A"}, 1, whole=True)

    assert (known.version, unversioned(known, {"name": "B"}, 2).version) == (None, None)
